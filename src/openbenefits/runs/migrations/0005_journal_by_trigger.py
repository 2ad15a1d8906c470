"""The journal of a run, kept by the database: where events and messages stood before a statement moved them."""

from django.db import migrations

STATE = (
    "event_on, event_status, process_status, process_indicator, finalize_requested, is_finalized,"
    " is_multi_activity, program_id, preparation, input_fingerprint, window_begins_on, window_ends_on,"
    " is_out_of_sequence, is_eligibility_changed, address_changed_on, job_changed_on, jobs_changed_on,"
    " person_changed_on, disconnected_on, out_of_sequence_on, program_kept_on, steps"
)
KEY = "client_id, person_id, benefit_record, schedule_id, event_number"

EVENTS = f"""
CREATE FUNCTION runs_keep_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE keeping bigint := nullif(current_setting('openbenefits.journal_of', true), '')::bigint;
BEGIN
    IF keeping IS NOT NULL THEN
        INSERT INTO runs_eventbefore ({KEY}, run_id, is_new, {STATE})
        SELECT {KEY}, keeping, TG_OP = 'INSERT', {STATE} FROM kept_rows
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_keep_made AFTER INSERT ON events_event
REFERENCING NEW TABLE AS kept_rows FOR EACH STATEMENT EXECUTE FUNCTION runs_keep_events();
CREATE TRIGGER events_keep_moved AFTER UPDATE ON events_event
REFERENCING OLD TABLE AS kept_rows FOR EACH STATEMENT EXECUTE FUNCTION runs_keep_events();
"""  # noqa: S608 (constants)
NO_EVENTS = """
DROP TRIGGER events_keep_made ON events_event;
DROP TRIGGER events_keep_moved ON events_event;
DROP FUNCTION runs_keep_events;
"""

MESSAGES = f"""
CREATE FUNCTION runs_keep_messages() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE keeping bigint := nullif(current_setting('openbenefits.journal_of', true), '')::bigint;
BEGIN
    IF keeping IS NOT NULL THEN
        INSERT INTO runs_messagebefore ({KEY}, run_id, written_in, number)
        SELECT {KEY}, keeping, run_id, number FROM kept_rows WHERE is_current AND run_id <> keeping
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_keep_messages AFTER UPDATE ON events_message
REFERENCING OLD TABLE AS kept_rows FOR EACH STATEMENT EXECUTE FUNCTION runs_keep_messages();
"""  # noqa: S608 (constants)
NO_MESSAGES = """
DROP TRIGGER events_keep_messages ON events_message;
DROP FUNCTION runs_keep_messages;
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_participant_lists"), ("events", "0002_status_machine")]
    operations = [
        migrations.RunSQL(EVENTS, NO_EVENTS),
        migrations.RunSQL(MESSAGES, NO_MESSAGES),
    ]
