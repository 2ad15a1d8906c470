from django.db import migrations

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


class Migration(migrations.Migration):
    """Eligibility decided by a person waits for a second one where the client wants it."""

    dependencies = [
        ("enrollment", "0011_continuation"),
        ("accounts", "0003_approvals"),
    ]

    operations = [migrations.RunSQL(OVERRIDES, migrations.RunSQL.noop)]
