"""What changed is written down by the statement that changes it, and only where a published channel watches."""

from django.db import migrations

from openbenefits.workflow.triggers import watch

NOTE = """
CREATE FUNCTION workflow_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    watched text := TG_ARGV[0];
    key_of text := TG_ARGV[1];
    client_of text := TG_ARGV[2];
    known text := TG_ARGV[3];
    arrived text := coalesce(current_setting('openbenefits.pipeline', true), '');
    was text := 'NULL::jsonb';
    before text := '';
BEGIN
    IF arrived = 'silent' OR NOT EXISTS (
        SELECT 1 FROM workflow_channel WHERE published IS NOT NULL AND watched = ANY (kinds)
    ) THEN
        RETURN NULL;
    END IF;
    IF known = '' AND TG_OP = 'UPDATE' THEN
        was := format('jsonb_object_agg(%s, to_jsonb(o.*))', key_of);
        before := format(
            'JOIN old_rows AS o ON %s = %s', key_of, regexp_replace(key_of, '\\mn\\.', 'o.', 'g')
        );
    END IF;
    EXECUTE format(
        $q$
        INSERT INTO workflow_outbox
            (client, kind, operation, pipeline, keys, was, known_at, change, depth, user_id, made_at, state, attempts)
        SELECT %1$s, $1, lower($2),
               coalesce(nullif($3, ''), CASE WHEN bool_or(to_jsonb(n.*) ->> 'run_id' IS NOT NULL) THEN 'run' END, 'user'),
               array_agg(DISTINCT %2$s), %3$s, %4$s, pg_current_xact_id()::text,
               coalesce(nullif(current_setting('openbenefits.depth', true), ''), '0')::smallint,
               nullif(nullif(current_setting('openbenefits.user', true), ''), '0')::bigint,
               statement_timestamp(), 'waiting', 0
        FROM new_rows AS n %5$s
        WHERE EXISTS (SELECT 1 FROM workflow_channel AS c
                      WHERE c.published IS NOT NULL AND $1 = ANY (c.kinds) AND c.client_id IN (0, %1$s))
        GROUP BY %1$s ORDER BY %1$s
        $q$,
        client_of, key_of, was,
        CASE known WHEN '' THEN 'NULL::timestamptz' ELSE format('min(n.%I)', known) END, before
    ) USING watched, TG_OP, arrived;
    RETURN NULL;
END $$;

CREATE FUNCTION workflow_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'workflow', 'openbenefits.look', 0, 'workflow ' || NEW.client, NULL,
        jsonb_build_object('outbox', NEW.id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER workflow_queued AFTER INSERT ON workflow_outbox
    FOR EACH ROW EXECUTE FUNCTION workflow_queue();

CREATE FUNCTION workflow_queue_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'workflow', 'openbenefits.retry', 0, 'workflow ' || NEW.client_id, NULL,
        jsonb_build_object('letter', NEW.id), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$;
CREATE TRIGGER workflow_queued_again AFTER UPDATE OF state ON workflow_deadletter
    FOR EACH ROW WHEN (NEW.state = 'waiting' AND OLD.state <> 'waiting') EXECUTE FUNCTION workflow_queue_again();

CREATE FUNCTION workflow_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL AND (TG_OP = 'DELETE' OR NEW.document IS DISTINCT FROM OLD.document
        OR NEW.published_at IS DISTINCT FROM OLD.published_at OR NEW.version <> OLD.version) THEN
        RAISE EXCEPTION 'a published version of a channel never changes; write the next one';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER workflow_version_kept BEFORE UPDATE OR DELETE ON workflow_channelversion
    FOR EACH ROW EXECUTE FUNCTION workflow_keep_version();
"""
NO_NOTE = """
DROP TRIGGER workflow_version_kept ON workflow_channelversion;
DROP FUNCTION workflow_keep_version();
DROP TRIGGER workflow_queued_again ON workflow_deadletter;
DROP FUNCTION workflow_queue_again();
DROP TRIGGER workflow_queued ON workflow_outbox;
DROP FUNCTION workflow_queue();
DROP FUNCTION workflow_note();
"""
EVENT = "concat_ws('-', n.person_id, n.benefit_record, n.schedule_id, n.event_number)"


class Migration(migrations.Migration):
    dependencies = [
        ("workflow", "0001_channels"),
        ("workforce", "__first__"),
        ("events", "0008_flags"),
        ("enrollment", "0011_continuation"),
        ("runs", "0003_flags"),
        ("programs", "__first__"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.RunSQL(NOTE, NO_NOTE),
        *watch(
            "person",
            "workforce_personfact",
            key="n.person_id::text",
            known="known_since",
            moments=("INSERT",),
        ),
        *watch(
            "job",
            "workforce_jobfact",
            key="concat_ws('-', n.person_id, n.job_number)",
            known="known_since",
            moments=("INSERT",),
        ),
        *watch(
            "life event",
            "workforce_lifeeventfact",
            key="concat_ws('-', n.person_id, n.event_class, n.valid_from)",
            known="known_since",
            moments=("INSERT",),
        ),
        *watch("event", "events_eventstep", key=EVENT, known="moved_at", moments=("INSERT",)),
        *watch(
            "election",
            "enrollment_election",
            key=EVENT.replace(")", ", n.plan_type, n.slot)"),
            moments=("INSERT",),
        ),
        *watch(
            "coverage",
            "enrollment_coverage",
            key="concat_ws('-', n.person_id, n.benefit_record, n.plan_type, n.slot)",
            known="made_at",
            moments=("INSERT",),
        ),
        *watch(
            "evidence",
            "enrollment_evidenceact",
            key="concat_ws('-', n.person_id, n.benefit_record, n.plan_type, n.slot)",
            known="acted_at",
            moments=("INSERT",),
        ),
        *watch("import", "workforce_changeset", moments=("INSERT",)),
        *watch("run", "runs_run", client="n.bundle_client"),
        *watch("client", "workforce_client", client="n.id"),
    ]
