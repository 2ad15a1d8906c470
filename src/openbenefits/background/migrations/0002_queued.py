from django.db import migrations

QUEUED = """
CREATE FUNCTION background_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'requests', 'openbenefits.perform', 0, 'client ' || NEW.client_id, NULL,
        jsonb_build_object('request', NEW.id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER background_queued AFTER INSERT ON background_processrequest
    FOR EACH ROW EXECUTE FUNCTION background_queue();
"""
UNQUEUED = """
DROP TRIGGER background_queued ON background_processrequest;
DROP FUNCTION background_queue();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("background", "0001_process_request"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [migrations.RunSQL(QUEUED, UNQUEUED)]
