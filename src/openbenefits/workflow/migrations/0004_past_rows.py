"""Rows of records that are overwritten are kept as they were; how facts arrived is written down.

What a change left behind was in the outbox until channels had looked, and where one watched: now it stays.
"""

from django.db import migrations, models

from openbenefits.workflow.triggers import keep, watch

NOTE = """
CREATE OR REPLACE FUNCTION workflow_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    watched text := TG_ARGV[0];
    key_of text := TG_ARGV[1];
    client_of text := TG_ARGV[2];
    known text := TG_ARGV[3];
    arrived text := coalesce(current_setting('openbenefits.pipeline', true), '');
BEGIN
    IF arrived <> '' AND known <> '' THEN
        EXECUTE format(
            'INSERT INTO workflow_arrival (client_id, kind, at, pipeline)
             SELECT %1$s, $1, %2$s, $2 FROM new_rows AS n
             WHERE %1$s IS NOT NULL AND %2$s IS NOT NULL GROUP BY %1$s, %2$s',
            client_of, known
        ) USING watched, arrived;
    END IF;
    IF arrived = 'silent' OR NOT EXISTS (
        SELECT 1 FROM workflow_channel WHERE published IS NOT NULL AND watched = ANY (kinds)
    ) THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        $q$
        INSERT INTO workflow_outbox
            (client, kind, operation, pipeline, keys, known_at, change, depth, user_id, made_at, state, attempts)
        SELECT %1$s, $1, lower($2),
               coalesce(nullif($3, ''), CASE WHEN bool_or(to_jsonb(n.*) ->> 'run_id' IS NOT NULL) THEN 'run' END, 'user'),
               array_agg(DISTINCT %2$s), %3$s, pg_current_xact_id()::text,
               coalesce(nullif(current_setting('openbenefits.depth', true), ''), '0')::smallint,
               nullif(nullif(current_setting('openbenefits.user', true), ''), '0')::bigint,
               statement_timestamp(), 'waiting', 0
        FROM new_rows AS n
        WHERE %1$s IS NOT NULL AND EXISTS (
            SELECT 1 FROM workflow_channel AS c
            WHERE c.published IS NOT NULL AND $1 = ANY (c.kinds) AND c.client_id IN (0, %1$s)
        )
        GROUP BY %1$s ORDER BY %1$s
        $q$,
        client_of, key_of,
        CASE
            WHEN known <> '' THEN format('min(%s)', known)
            WHEN EXISTS (SELECT 1 FROM workflow_keeping WHERE of_table = TG_TABLE_NAME)
                THEN 'workflow_moment()'
            ELSE 'NULL::timestamptz'
        END
    ) USING watched, TG_OP, arrived;
    RETURN NULL;
END $$;
"""
KEEP = """
CREATE FUNCTION workflow_moment() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (nullif(current_setting('openbenefits.today', true), '')::date
         + (statement_timestamp() AT TIME ZONE 'UTC')::time) AT TIME ZONE 'UTC',
        statement_timestamp()
    )
$$;
COMMENT ON FUNCTION workflow_moment IS
    'the moment of a statement; on the day a demonstration stands still on, where openbenefits.today says one';
CREATE FUNCTION workflow_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    left_out text[] := (
        SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
          AND atttypid IN ('json'::regtype, 'jsonb'::regtype, 'bytea'::regtype)
    );
BEGIN
    EXECUTE format(
        'INSERT INTO workflow_pastrow (client_id, of_table, row_id, until, was, pipeline, change)
         SELECT r.%1$I, $1, r.id, workflow_moment(), %2$s, $2, pg_current_xact_id()::text
         FROM %3$I AS r WHERE r.%1$I IS NOT NULL',
        TG_ARGV[0],
        CASE TG_OP WHEN 'INSERT' THEN 'NULL' ELSE 'to_jsonb(r.*) - $3' END,
        CASE TG_OP WHEN 'INSERT' THEN 'new_rows' ELSE 'old_rows' END
    ) USING TG_TABLE_NAME, coalesce(nullif(current_setting('openbenefits.pipeline', true), ''), 'user'), left_out;
    RETURN NULL;
END $$;
"""
NO_KEEP = "DROP FUNCTION workflow_keep(); DROP FUNCTION workflow_moment()"


class Migration(migrations.Migration):
    dependencies = [
        ("workflow", "0003_tickets"),
        ("runs", "0003_flags"),
        ("casework", "0001_initial"),
        ("workforce", "0005_searched_names"),
        ("enrollment", "0013_desk_acts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Keeping",
            fields=[
                ("of_table", models.TextField(primary_key=True, serialize=False)),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("kind", models.TextField()),
                ("at", models.DateTimeField()),
                ("pipeline", models.TextField()),
            ],
            options={
                "indexes": [models.Index(fields=["client_id", "kind", "at"], name="workflow_arrived")],
            },
        ),
        migrations.CreateModel(
            name="PastRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("of_table", models.TextField()),
                ("row_id", models.BigIntegerField()),
                ("until", models.DateTimeField()),
                ("was", models.JSONField(null=True)),
                ("pipeline", models.TextField()),
                ("change", models.TextField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["of_table", "row_id", "until"], name="workflow_row_then"),
                    models.Index(fields=["client_id", "of_table", "until"], name="workflow_rows_changed"),
                ],
            },
        ),
        migrations.RunSQL(NOTE, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="outbox", name="was"),
        migrations.RunSQL(KEEP, NO_KEEP),
        *keep("workforce_client", client="id"),
        *keep("runs_run", client="bundle_client"),
        *keep("casework_ticket"),
        *watch(
            "election",
            "enrollment_election",
            key="concat_ws('-', n.person_id, n.benefit_record, n.schedule_id, n.event_number, n.plan_type, n.slot)",
            known="(SELECT c.made_at FROM workforce_changeset AS c WHERE c.id = n.change_id)",
            moments=("INSERT",),
        ),
    ]
