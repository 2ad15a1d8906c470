"""Hints of the platform that something changed there; each new one queues the worker's reading of it."""

from django.db import migrations, models

QUEUED = """
CREATE FUNCTION platform_queue_hint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'requests', 'openbenefits.platform_hint', 0, 'client ' || NEW.client_id, NULL,
        jsonb_build_object('hint', NEW.id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER platform_hint_queued AFTER INSERT ON platform_hint
    FOR EACH ROW EXECUTE FUNCTION platform_queue_hint();
"""
UNQUEUED = """
DROP TRIGGER platform_hint_queued ON platform_hint;
DROP FUNCTION platform_queue_hint();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("platform", "0001_exchange"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("received_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("taken_at__isnull", True)),
                        fields=("client_id",),
                        name="platform_one_hint",
                    )
                ],
            },
        ),
        migrations.RunSQL(QUEUED, UNQUEUED),
    ]
