"""What changed is written down by the statement that changes it, and only where somebody subscribed."""

from django.db import migrations

STATEMENT = """
CREATE FUNCTION webhooks_note_{change}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM webhooks_subscription WHERE ended_at IS NULL AND '{change}' = ANY (kinds)) THEN
        INSERT INTO webhooks_outbox (client, change, run_id, ids, made_at)
        SELECT n.client_id, '{change}', {run}, array_agg(DISTINCT {id}), statement_timestamp()
        FROM new_rows AS n
        WHERE EXISTS (SELECT 1 FROM webhooks_subscription AS s
                      WHERE s.ended_at IS NULL AND '{change}' = ANY (s.kinds) AND s.client_id IN (0, n.client_id))
        GROUP BY n.client_id, {run} ORDER BY n.client_id, {run};
    END IF;
    RETURN NULL;
END $$;
"""
FIRED = """
CREATE TRIGGER webhooks_{when}_{change} AFTER {when} ON {table} REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION webhooks_note_{change}();
"""
EVENT = "concat_ws('-', n.person_id, n.benefit_record, n.schedule_id, n.event_number)"
KINDS = (
    ("events", "events_eventstep", "n.run_id", EVENT, ("INSERT",)),
    ("elections", "enrollment_election", "NULL::bigint", EVENT, ("INSERT",)),
    (
        "coverage",
        "enrollment_coverage",
        "coalesce(n.superseded_by_run, n.run_id)",
        "n.person_id::text",
        ("INSERT", "UPDATE"),
    ),
)

RUNS = """
CREATE FUNCTION webhooks_note_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO webhooks_outbox (client, change, run_id, ids, made_at)
    SELECT NEW.bundle_client, 'runs', NEW.id, ARRAY[NEW.id::text], statement_timestamp()
    WHERE EXISTS (SELECT 1 FROM webhooks_subscription AS s
                  WHERE s.ended_at IS NULL AND 'runs' = ANY (s.kinds) AND s.client_id IN (0, NEW.bundle_client));
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_insert_runs AFTER INSERT ON runs_run
FOR EACH ROW WHEN (NEW.bundle_client IS NOT NULL) EXECUTE FUNCTION webhooks_note_runs();
CREATE TRIGGER webhooks_update_runs AFTER UPDATE OF state ON runs_run
FOR EACH ROW WHEN (NEW.bundle_client IS NOT NULL AND NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION webhooks_note_runs();
"""
NO_RUNS = """
DROP TRIGGER webhooks_insert_runs ON runs_run;
DROP TRIGGER webhooks_update_runs ON runs_run;
DROP FUNCTION webhooks_note_runs();
"""

QUEUED = """
CREATE FUNCTION webhooks_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'webhooks', 'openbenefits.spread', 0, 'webhooks', NULL, jsonb_build_object('outbox', NEW.id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_queued AFTER INSERT ON webhooks_outbox
    FOR EACH ROW EXECUTE FUNCTION webhooks_queue();

CREATE FUNCTION webhooks_queue_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'webhooks', 'openbenefits.deliver', 0, 'webhooks ' || NEW.subscription_id, NULL,
        jsonb_build_object('subscription', NEW.subscription_id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_queued_again AFTER UPDATE OF state ON webhooks_delivery
    FOR EACH ROW WHEN (NEW.state = 'waiting' AND OLD.state <> 'waiting') EXECUTE FUNCTION webhooks_queue_again();
"""
NO_QUEUE = """
DROP TRIGGER webhooks_queued_again ON webhooks_delivery;
DROP FUNCTION webhooks_queue_again();
DROP TRIGGER webhooks_queued ON webhooks_outbox;
DROP FUNCTION webhooks_queue();
"""


def _noted() -> list[migrations.RunSQL]:
    found = []
    for change, table, run, identity, moments in KINDS:
        made = STATEMENT.format(change=change, run=run, id=identity)
        fired = "".join(FIRED.format(change=change, table=table, when=when) for when in moments)
        gone = "".join(f"DROP TRIGGER webhooks_{when}_{change} ON {table};" for when in moments)
        found.append(migrations.RunSQL(made + fired, f"{gone} DROP FUNCTION webhooks_note_{change}();"))
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0001_initial"),
        ("events", "0008_flags"),
        ("enrollment", "0011_continuation"),
        ("runs", "0003_flags"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [*_noted(), migrations.RunSQL(RUNS, NO_RUNS), migrations.RunSQL(QUEUED, NO_QUEUE)]
