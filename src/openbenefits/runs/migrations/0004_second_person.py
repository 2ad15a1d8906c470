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


class Migration(migrations.Migration):
    """Acts about runs, and runs that finalise, wait for a second person where the client wants one."""

    dependencies = [("runs", "0003_flags"), ("accounts", "0003_approvals")]

    operations = [
        migrations.RunSQL(ACTS, migrations.RunSQL.noop),
        migrations.RunSQL(RUNS, migrations.RunSQL.noop),
    ]
