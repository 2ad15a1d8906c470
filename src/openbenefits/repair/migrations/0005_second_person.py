"""Acts that wait for a second person where the client wants one (accounts.approvals; rulings §6.5).

Triggers on the acts of several capabilities stand together here, on a floor that knows all of them.
"""

from django.db import migrations

ACTS = """
ALTER TABLE runs_runact
    DROP CONSTRAINT run_act_known,
    DROP CONSTRAINT run_act_by_a_second_person,
    ADD CONSTRAINT run_act_known CHECK (kind IN ('release', 'take_back', 'commit'));

CREATE FUNCTION runs_check_act() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    run record;
    mark text;
    is_same boolean;
    me text := accounts_acting_name();
BEGIN
    SELECT bundle_client, started_by INTO run FROM runs_run WHERE id = NEW.run_id;
    IF me IS NOT NULL AND NEW.author <> me THEN
        RAISE EXCEPTION 'users sign with their own name' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind <> 'commit' AND NEW.prepared_by <> run.started_by THEN
        RAISE EXCEPTION 'who started a run has prepared it' USING ERRCODE = 'check_violation';
    END IF;
    NEW.needs_second := NEW.needs_second OR accounts_wants_second(run.bundle_client, NEW.kind);
    -- of a commit it is said, not known, who made the rehearsal: no face is believed
    is_same := lower(btrim(NEW.author)) = lower(btrim(NEW.prepared_by))
               OR (NEW.kind = 'commit' AND accounts_acting_user() IS NOT NULL);
    SELECT accounts_digest(ARRAY[coalesce(
               string_agg(key || '=' || value, ',' ORDER BY key COLLATE "C"), '')])
    INTO mark FROM jsonb_each_text(NEW.found);
    IF NEW.needs_second AND is_same AND NOT accounts_is_approved(
            run.bundle_client, NEW.kind, 'run ' || NEW.run_id, mark, NEW.acted_at) THEN
        RAISE EXCEPTION 'another person than who prepared it, or an approval, was expected: %, run %',
            NEW.kind, NEW.run_id USING ERRCODE = 'check_violation', CONSTRAINT = 'run_act_by_a_second_person';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER run_act_by_a_second_person BEFORE INSERT ON runs_runact
    FOR EACH ROW EXECUTE FUNCTION runs_check_act();
"""

RUNS = """
CREATE FUNCTION runs_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.bundle_client, OLD.started_by, OLD.is_finalizing, OLD.schedule_id, OLD.as_of, OLD.kind)
        IS DISTINCT FROM
       (NEW.bundle_client, NEW.started_by, NEW.is_finalizing, NEW.schedule_id, NEW.as_of, NEW.kind) THEN
        RAISE EXCEPTION 'what a run was asked to do is kept as it was' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER run_order_kept BEFORE UPDATE ON runs_run FOR EACH ROW EXECUTE FUNCTION runs_keep_order();

CREATE FUNCTION runs_check_run() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    people text;
BEGIN
    IF NEW.bundle_client IS NULL THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.is_finalizing THEN
            SELECT string_agg(value, ',' ORDER BY value::bigint) INTO people
            FROM jsonb_array_elements_text(
                CASE jsonb_typeof(NEW.options -> 'people') WHEN 'array' THEN NEW.options -> 'people' END);
            PERFORM accounts_require_approval(
                NEW.bundle_client, 'finalize',
                format('schedule %s as of %s', coalesce(NEW.schedule_id::text, 'all'), NEW.as_of),
                accounts_digest(ARRAY[NEW.through_level, people]), NEW.started_at);
        END IF;
        RETURN NULL;
    END IF;
    IF OLD.state = 'held' AND NEW.state NOT IN ('held', 'taken back')
        AND accounts_wants_second(NEW.bundle_client, 'release')
        AND NOT EXISTS (SELECT 1 FROM runs_runact AS a WHERE a.run_id = NEW.id AND a.kind = 'release'
                        AND a.acted_at >= OLD.ended_at) THEN
        RAISE EXCEPTION 'run % was expected to be released by a person', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state <> 'taken back' AND NEW.state = 'taken back'
        AND accounts_wants_second(NEW.bundle_client, 'take_back')
        AND NOT EXISTS (SELECT 1 FROM runs_runact AS a WHERE a.run_id = NEW.id AND a.kind = 'take_back') THEN
        RAISE EXCEPTION 'run % was expected to be taken back by a person', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.options ? 'rehearsal' AND NOT OLD.options ? 'rehearsal'
        AND accounts_wants_second(NEW.bundle_client, 'commit')
        AND NOT EXISTS (SELECT 1 FROM runs_runact AS a WHERE a.run_id = NEW.id AND a.kind = 'commit') THEN
        RAISE EXCEPTION 'run % was expected to be committed by a person', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER run_by_a_second_person AFTER INSERT OR UPDATE ON runs_run
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION runs_check_run();
"""

OVERRIDES = """
CREATE FUNCTION enrollment_check_override() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE me text := accounts_acting_name();
BEGIN
    IF NOT accounts_wants_second(NEW.client_id, 'override') THEN RETURN NULL; END IF;
    IF me IS NOT NULL AND NEW.author <> me THEN
        RAISE EXCEPTION 'users sign with their own name' USING ERRCODE = 'check_violation';
    END IF;
    -- what was decided for an event that goes on elsewhere was approved for the event it was
    IF EXISTS (
        SELECT 1 FROM repair_movedevent AS m JOIN enrollment_eligibilityoverride AS o
            USING (client_id, person_id, benefit_record, schedule_id, event_number)
        WHERE m.client_id = NEW.client_id AND m.schedule_id = NEW.schedule_id AND m.to_person = NEW.person_id
          AND m.to_record = NEW.benefit_record AND m.to_number = NEW.event_number
          AND o.program_id = NEW.program_id AND o.option_id IS NOT DISTINCT FROM NEW.option_id
          AND o.is_eligible IS NOT DISTINCT FROM NEW.is_eligible AND o.made_at = NEW.made_at
    ) THEN RETURN NULL; END IF;
    PERFORM accounts_require_approval(
        NEW.client_id, 'override',
        format('event %s/%s/%s/%s', NEW.person_id, NEW.benefit_record, NEW.schedule_id, NEW.event_number),
        accounts_digest(ARRAY[NEW.program_id::text, NEW.option_id::text, NEW.is_eligible::text]), NEW.made_at);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER override_by_a_second_person AFTER INSERT OR UPDATE ON enrollment_eligibilityoverride
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION enrollment_check_override();
"""

RELEASES = """
CREATE FUNCTION programs_keep_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.bundle_id, OLD.number, OLD.fingerprint, OLD.document, OLD.applied_at, OLD.applied_by)
        IS DISTINCT FROM
       (NEW.bundle_id, NEW.number, NEW.fingerprint, NEW.document, NEW.applied_at, NEW.applied_by) THEN
        RAISE EXCEPTION 'a release of set-up is kept as it was applied' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER release_kept BEFORE UPDATE OR DELETE ON programs_release
    FOR EACH ROW EXECUTE FUNCTION programs_keep_release();

CREATE FUNCTION programs_check_bundle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mark text;
    at timestamptz;
BEGIN
    IF OLD.release_id IS NOT DISTINCT FROM NEW.release_id OR NOT accounts_release_wants(OLD.release_id, 'setup') THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(taken_back_at, (SELECT applied_at FROM programs_release WHERE id = NEW.release_id))
    INTO at FROM programs_release WHERE id = OLD.release_id;
    SELECT fingerprint INTO mark FROM programs_release WHERE id = NEW.release_id;
    IF NOT accounts_is_approved(NEW.client_id, 'setup', 'bundle ' || NEW.code,
                                accounts_digest(ARRAY[coalesce(mark, '')]), at) THEN
        RAISE EXCEPTION 'an approval by another person was expected for set-up of bundle %, found none', NEW.code
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER release_by_a_second_person AFTER UPDATE OF release_id ON programs_bundle
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION programs_check_bundle();
"""


class Migration(migrations.Migration):
    """Acts about runs, runs that finalise, decisions about eligibility, releases of set-up."""

    dependencies = [
        ("repair", "0004_transfers"),
        ("accounts", "0003_approvals"),
        ("enrollment", "0011_continuation"),
        ("programs", "0020_full_cost"),
        ("runs", "0003_flags"),
    ]

    operations = [
        migrations.RunSQL(statements, migrations.RunSQL.noop)
        for statements in (ACTS, RUNS, OVERRIDES, RELEASES)
    ]
