"""The status machine in the database: legal moves as rows, triggers that refuse all others."""

from django.db import migrations

from openbenefits.events.moves import MOVES

SOURCE = "event-processing §6.2, rulings §1"

REACHABLE = """
CREATE VIEW events_status_reachable AS
WITH RECURSIVE reachable(from_status, to_status) AS (
    SELECT from_status, to_status FROM events_statusmove
    UNION
    SELECT r.from_status, m.to_status FROM reachable r JOIN events_statusmove m ON m.from_status = r.to_status
)
SELECT from_status, to_status FROM reachable;
"""

CHECK_EVENT = """
CREATE FUNCTION events_check_moves() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE wrong text;
BEGIN
    SELECT string_agg(format('%s -> %s', coalesce(p.was, 'new'), coalesce(p.now, 'new')), ', ') INTO wrong
    FROM (
        SELECT DISTINCT o.process_status AS was, n.process_status AS now
        FROM old_rows o JOIN new_rows n
          USING (client_id, person_id, benefit_record, schedule_id, event_number)
        WHERE o.process_status IS DISTINCT FROM n.process_status
    ) p
    WHERE NOT EXISTS (
        SELECT 1 FROM events_status_reachable r
        WHERE r.from_status = coalesce(p.was, '') AND r.to_status = coalesce(p.now, '')
    );
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'illegal move of the process status: %', wrong USING ERRCODE = 'check_violation';
    END IF;
    SELECT string_agg(format('%s -> %s', p.was, p.now), ', ') INTO wrong
    FROM (
        SELECT DISTINCT o.event_status AS was, n.event_status AS now
        FROM old_rows o JOIN new_rows n
          USING (client_id, person_id, benefit_record, schedule_id, event_number)
        WHERE o.event_status <> n.event_status
    ) p
    WHERE (p.was, p.now) NOT IN (('O','C'), ('C','O'), ('O','V'), ('C','V'), ('D','V'), ('V','O'), ('V','C'),
                                 ('O','D'), ('C','D'), ('D','C'));
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'illegal move of the event status: %', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_legal_moves AFTER UPDATE ON events_event
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION events_check_moves();
"""

CHECK_INSERT = """
CREATE FUNCTION events_check_first() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong text;
BEGIN
    SELECT string_agg(DISTINCT n.process_status, ', ') INTO wrong FROM new_rows n
    WHERE n.process_status IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM events_status_reachable r WHERE r.from_status = '' AND r.to_status = n.process_status
    );
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'an event cannot begin at process status %', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_legal_first AFTER INSERT ON events_event
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events_check_first();
"""

CHECK_STEP = """
CREATE FUNCTION events_check_steps() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong text;
BEGIN
    SELECT string_agg(format('%s -> %s', p.was, p.now), ', ') INTO wrong
    FROM (SELECT DISTINCT coalesce(from_status, '') AS was, coalesce(to_status, '') AS now FROM new_rows) p
    WHERE p.was <> p.now AND NOT EXISTS (
        SELECT 1 FROM events_statusmove m WHERE m.from_status = p.was AND m.to_status = p.now
    );
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'illegal step of the process status: %', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_legal_steps AFTER INSERT ON events_eventstep
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events_check_steps();

CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of an event is append-only' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER events_steps_append_only BEFORE UPDATE OR DELETE ON events_eventstep
FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change();
"""

LIMIT_VALUES = """
ALTER TABLE events_event SET (fillfactor = 50);
ALTER TABLE events_event
    ADD CONSTRAINT event_status_known CHECK (event_status IN ('O', 'C', 'D', 'V')),
    ADD CONSTRAINT process_status_known CHECK (process_status IN
        ('AS', 'AN', 'AE', 'PR', 'PE', 'FA', 'FP', 'NT', 'ET', 'EE', 'RE', 'FE'));
"""


def write_moves(apps, schema_editor):
    move = apps.get_model("events", "StatusMove")
    move.objects.bulk_create(
        move(from_status=was, to_status=now, cause=cause, source=SOURCE) for was, now, cause in MOVES
    )


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.RunPython(write_moves, migrations.RunPython.noop),
        migrations.RunSQL(REACHABLE, "DROP VIEW events_status_reachable"),
        migrations.RunSQL(CHECK_EVENT, "DROP TRIGGER events_legal_moves ON events_event"),
        migrations.RunSQL(CHECK_INSERT, "DROP TRIGGER events_legal_first ON events_event"),
        migrations.RunSQL(CHECK_STEP, "DROP TRIGGER events_legal_steps ON events_eventstep"),
        migrations.RunSQL(LIMIT_VALUES, migrations.RunSQL.noop),
    ]
