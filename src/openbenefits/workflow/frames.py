"""Named SQL: records as they were known at a moment, who is on a client's list, what changed when.

Every source follows `FROM asked AS a` (columns key, known, today) and answers at most one row for a key.
"""


def _fact(table: str, alias: str, key: str, mine: str, *, of: str = "person_id") -> str:
    """Write the fact that holds on the day asked for, or the first to come, as it was known then."""
    return f"""LATERAL (
    SELECT f.* FROM {table} AS f
    WHERE f.client_id = {mine}.client_id AND f.{of} = {key} AND f.known_since <= a.known AND NOT f.is_deleted
      AND NOT EXISTS (SELECT 1 FROM {table} AS n
                      WHERE n.client_id = f.client_id AND n.{of} = f.{of} AND n.valid_from = f.valid_from
                        AND n.version > f.version AND n.known_since <= a.known)
    ORDER BY f.valid_from <= a.today DESC, abs(f.valid_from - a.today) LIMIT 1
) AS {alias}"""


def then(table: str, key: str = "a.key::bigint") -> str:
    """Write the row of a table whose past rows are kept, as `t`, as it stood at `a.known`.

    None where there was none. It is the first past row that ended after that moment, else the row of today.
    """
    past = f"workflow_pastrow AS p WHERE p.of_table = '{table}' AND p.row_id = {key} AND p.until > a.known"
    return f"""LATERAL (
    SELECT r.* FROM (SELECT p.was FROM {past} ORDER BY p.until, p.id LIMIT 1) AS q
    CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, q.was) AS r WHERE q.was IS NOT NULL
    UNION ALL
    SELECT s.* FROM {table} AS s WHERE s.id = {key} AND NOT EXISTS (SELECT FROM {past})
) AS t"""


def kept_changes(table: str) -> str:
    """Write what changed of a client between two moments from the past rows of a table."""
    return f"""
SELECT n.row_id::text AS key, max(n.until) AS at, min(n.until) AS began, min(n.pipeline) AS pipeline
FROM workflow_pastrow AS n
WHERE n.client_id = %(client)s AND n.of_table = '{table}' AND n.until > %(begin)s AND n.until <= %(end)s
GROUP BY n.row_id, n.change
"""


def kept_keys(table: str) -> str:
    """Write the keys of all rows of a client's that a table ever had, as far as past rows are kept."""
    return f"""SELECT n.row_id::text AS key FROM workflow_pastrow AS n
WHERE n.client_id = %(client)s AND n.of_table = '{table}'"""


JOB_ROWS = """
    SELECT f.* FROM workforce_jobfact AS f
    WHERE f.client_id = {client} AND f.person_id = {person} {job} AND f.known_since <= a.known
      AND NOT f.is_deleted
      AND NOT EXISTS (SELECT 1 FROM workforce_jobfact AS n
                      WHERE n.client_id = f.client_id AND n.person_id = f.person_id
                        AND n.job_number = f.job_number AND n.valid_from = f.valid_from
                              AND n.sequence = f.sequence AND n.version > f.version
                        AND n.known_since <= a.known)
"""
HIRED = """LATERAL (
    SELECT max(h.valid_from) AS hired_on FROM workforce_jobfact AS h
    WHERE h.client_id = {client} AND h.person_id = {person} AND h.action IN ('HIR', 'REH')
      AND h.known_since <= a.known AND NOT h.is_deleted
) AS h ON true"""
_OF_PERSON = {"client": "t.client_id", "person": "t.id", "job": ""}
_OF_JOB = {"client": "t.client_id", "person": "t.person_id", "job": ""}

PERSON = f"""
JOIN workforce_person AS t ON t.id = a.key::bigint
JOIN {_fact("workforce_personfact", "pf", "t.id", "t")} ON true
LEFT JOIN {_fact("workforce_addressfact", "ad", "t.id", "t")} ON true
LEFT JOIN LATERAL ({JOB_ROWS.format(**_OF_PERSON)}
    ORDER BY f.is_primary DESC, f.valid_from <= a.today DESC, abs(f.valid_from - a.today), f.sequence DESC,
             f.job_number LIMIT 1
) AS j ON true
LEFT JOIN {HIRED.format(**_OF_PERSON)}
"""
PEOPLE = "SELECT id::text AS key FROM workforce_person WHERE client_id = %(client)s"

_OWNER = {"client": "o.client_id", "person": "o.id"}
_THIS_JOB = JOB_ROWS.format(**_OWNER, job="AND f.job_number = split_part(a.key, '-', 2)::int")
_SAME_JOB = JOB_ROWS.format(**_OWNER, job="AND f.job_number = t.job_number")
JOB = f"""
JOIN workforce_person AS o ON o.id = split_part(a.key, '-', 1)::bigint
JOIN LATERAL ({_THIS_JOB}
    ORDER BY f.valid_from DESC, f.sequence DESC LIMIT 1
) AS t ON true
LEFT JOIN LATERAL ({_SAME_JOB}
      AND (f.valid_from, f.sequence) < (t.valid_from, t.sequence)
    ORDER BY f.valid_from DESC, f.sequence DESC LIMIT 1
) AS b ON true
LEFT JOIN {HIRED.format(**_OF_JOB)}
"""
JOBS = """
SELECT DISTINCT concat_ws('-', person_id, job_number) AS key
FROM workforce_jobfact WHERE client_id = %(client)s
"""

LIFE_EVENT = """
JOIN LATERAL (
    SELECT f.* FROM workforce_lifeeventfact AS f
    WHERE f.person_id = split_part(a.key, '-', 1)::bigint AND f.event_class = split_part(a.key, '-', 2)
      AND f.client_id = (SELECT client_id FROM workforce_person WHERE id = split_part(a.key, '-', 1)::bigint)
      AND f.valid_from = substr(a.key, length(split_part(a.key, '-', 1) || split_part(a.key, '-', 2)) +
      3)::date AND f.known_since <= a.known
    ORDER BY f.version DESC LIMIT 1
) AS t ON true
"""
LIFE_EVENTS = """
SELECT DISTINCT concat_ws('-', person_id, event_class, valid_from) AS key
FROM workforce_lifeeventfact WHERE client_id = %(client)s
"""

CLASS_OF = """LEFT JOIN LATERAL (
    SELECT k.code FROM programs_setupkey AS k WHERE k.id = t.event_class_id
) AS ec ON true"""
SCHEDULE_OF = "LEFT JOIN programs_setupkey AS s ON s.id = t.schedule_id"
EVENT = f"""
JOIN events_event AS t
  ON t.person_id = split_part(a.key, '-', 1)::bigint AND t.benefit_record = split_part(a.key, '-', 2)::int
 AND t.schedule_id = split_part(a.key, '-', 3)::int AND t.event_number = split_part(a.key, '-', 4)::int
 AND t.client_id = (SELECT client_id FROM workforce_person WHERE id = split_part(a.key, '-', 1)::bigint)
JOIN LATERAL (
    SELECT x.to_status, x.event_status, x.cause, x.moved_at FROM events_eventstep AS x
    WHERE x.client_id = t.client_id AND x.person_id = t.person_id AND x.benefit_record = t.benefit_record
      AND x.schedule_id = t.schedule_id AND x.event_number = t.event_number AND x.moved_at <= a.known
    ORDER BY x.step DESC LIMIT 1
) AS st ON true
{CLASS_OF}
{SCHEDULE_OF}
"""
EVENTS = """
SELECT concat_ws('-', person_id, benefit_record, schedule_id, event_number) AS key
FROM events_event WHERE client_id = %(client)s
"""

SUBMITTED_AT = "max(coalesce(c.made_at, r.received_on))"
"""When an election is known: by its entry; what a repair withdrew or gave back, by the day it says."""
ELECTION = f"""
JOIN LATERAL (
    SELECT q.*, e.event_class_id, e.event_on FROM (
        SELECT r.*, {SUBMITTED_AT} OVER (ORDER BY r.submission) AS known_since
        FROM enrollment_election AS r LEFT JOIN workforce_changeset AS c ON c.id = r.change_id
        WHERE r.person_id = split_part(a.key, '-', 1)::bigint
          AND r.benefit_record = split_part(a.key, '-', 2)::int
          AND r.schedule_id = split_part(a.key, '-', 3)::int
          AND r.event_number = split_part(a.key, '-', 4)::int
          AND r.plan_type = split_part(a.key, '-', 5) AND r.slot = split_part(a.key, '-', 6)::int
          AND r.client_id = (
              SELECT client_id FROM workforce_person WHERE id = split_part(a.key, '-', 1)::bigint
          )
    ) AS q
    JOIN events_event AS e USING (client_id, person_id, benefit_record, schedule_id, event_number)
    WHERE q.known_since <= a.known
    ORDER BY q.submission DESC LIMIT 1
) AS t ON true
{CLASS_OF}
"""
ELECTIONS = """
SELECT DISTINCT concat_ws('-', person_id, benefit_record, schedule_id, event_number, plan_type, slot) AS key
FROM enrollment_election WHERE client_id = %(client)s
"""

COVERAGE = """
JOIN LATERAL (
    SELECT c.* FROM enrollment_coverage AS c
    WHERE c.person_id = split_part(a.key, '-', 1)::bigint
      AND c.benefit_record = split_part(a.key, '-', 2)::int
      AND c.plan_type = split_part(a.key, '-', 3) AND c.slot = split_part(a.key, '-', 4)::int
      AND c.client_id = (SELECT client_id FROM workforce_person WHERE id = split_part(a.key, '-', 1)::bigint)
      AND c.made_at <= a.known AND (c.superseded_at IS NULL OR c.superseded_at > a.known)
    ORDER BY c.begins_on DESC, c.version DESC LIMIT 1
) AS t ON true
LEFT JOIN programs_setupkey AS o ON o.id = t.option_id
"""
COVERAGES = """
SELECT DISTINCT concat_ws('-', person_id, benefit_record, plan_type, slot) AS key
FROM enrollment_coverage WHERE client_id = %(client)s
"""

EVIDENCE = """
JOIN LATERAL (
    SELECT e.* FROM enrollment_evidenceact AS e
    WHERE e.person_id = split_part(a.key, '-', 1)::bigint
      AND e.benefit_record = split_part(a.key, '-', 2)::int
      AND e.plan_type = split_part(a.key, '-', 3) AND e.slot = split_part(a.key, '-', 4)::int
      AND e.client_id = (SELECT client_id FROM workforce_person WHERE id = split_part(a.key, '-', 1)::bigint)
      AND e.acted_at <= a.known
    ORDER BY e.number DESC LIMIT 1
) AS t ON true
"""
EVIDENCES = COVERAGES.replace("enrollment_coverage", "enrollment_evidenceact")

IMPORT = """
JOIN workforce_changeset AS t ON t.id = a.key::bigint AND t.made_at <= a.known
LEFT JOIN LATERAL (
    SELECT count(DISTINCT person_id) AS people FROM workforce_factchange WHERE change_id = t.id
) AS n ON true
LEFT JOIN workforce_changeset AS u ON u.undoes_id = t.id AND u.made_at <= a.known
"""
IMPORTS = "SELECT id::text AS key FROM workforce_changeset WHERE client_id = %(client)s"
RUNS = "SELECT id::text AS key FROM runs_run WHERE bundle_client = %(client)s"

IN_FORCE = """CASE WHEN a.known = 'infinity' THEN b.release_id ELSE (
    SELECT v.id FROM programs_release AS v
    WHERE v.bundle_id = b.id AND v.applied_at <= a.known AND coalesce(v.taken_back_at, 'infinity') > a.known
    ORDER BY v.number DESC LIMIT 1
) END"""
CLIENT = f"""
JOIN {then("workforce_client")} ON true
LEFT JOIN programs_bundle AS b ON b.client_id = t.id
LEFT JOIN programs_release AS r ON r.id = {IN_FORCE}
LEFT JOIN LATERAL (
    SELECT count(*) AS people, min(f.known_since) AS first_known
    FROM workforce_personfact AS f WHERE f.client_id = t.id AND f.known_since <= a.known
) AS n ON true
"""
CLIENTS = "SELECT %(client)s::text AS key"

OPEN_ENROLLMENT = f"""
JOIN LATERAL (
    SELECT s.* FROM programs_schedule AS s
    JOIN programs_bundle AS b ON b.client_id = s.client_id
    WHERE s.schedule_id = a.key::int AND s.kind = 'O' AND s.release_id = {IN_FORCE}
) AS t ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE q.event_status = 'O') AS unfinished FROM (
        SELECT e.event_status FROM events_event AS e
        WHERE a.known = 'infinity' AND e.client_id = t.client_id AND e.schedule_id = t.schedule_id
        UNION ALL (
            SELECT DISTINCT ON (x.person_id, x.benefit_record, x.event_number) x.event_status
            FROM events_eventstep AS x
            WHERE a.known < 'infinity' AND x.client_id = t.client_id AND x.schedule_id = t.schedule_id
              AND x.moved_at <= a.known
            ORDER BY x.person_id, x.benefit_record, x.event_number, x.step DESC
        )
    ) AS q
) AS n ON true
"""
OPEN_ENROLLMENTS = """
SELECT s.schedule_id::text AS key FROM programs_schedule AS s WHERE s.client_id = %(client)s AND s.kind = 'O'
"""


def changed(kind: str, table: str, key: str, at: str, *, pipeline: str = "'user'", extra: str = "") -> str:
    """Write what changed of a client between two moments
    from the rows of a table that know since when they are.

    pipeline: the way it came where nothing is written down of its arrival.
    """
    return f"""
SELECT DISTINCT {key} AS key, {at} AS at, {at} AS began, coalesce(w.pipeline, {pipeline}) AS pipeline
FROM {table} AS n {extra}
LEFT JOIN workflow_arrival AS w ON w.client_id = n.client_id AND w.kind = '{kind}' AND w.at = {at}
WHERE n.client_id = %(client)s AND {at} > %(begin)s AND {at} <= %(end)s
"""


_OF_CHANGE = "LEFT JOIN workforce_changeset AS c ON c.id = n.change_id"
_BY_CHANGE = "CASE WHEN c.kind IN ('census', 'takeover') THEN 'import' ELSE 'user' END"
_BY_RUN = "CASE WHEN n.run_id IS NULL THEN 'user' ELSE 'run' END"
_COVERED = "concat_ws('-', n.person_id, n.benefit_record, n.plan_type, n.slot)"
_STEPPED = "concat_ws('-', n.person_id, n.benefit_record, n.schedule_id, n.event_number)"
_ELECTED = _STEPPED.replace(")", ", n.plan_type, n.slot)")


def _told(kind: str, table: str, key: str) -> str:
    """Write what changed of a kind of facts."""
    return changed(kind, table, key, "n.known_since", pipeline=_BY_CHANGE, extra=_OF_CHANGE)


PEOPLE_CHANGED = _told("person", "workforce_personfact", "n.person_id::text")
JOBS_CHANGED = _told("job", "workforce_jobfact", "concat_ws('-', n.person_id, n.job_number)")
LIFE_EVENTS_CHANGED = _told(
    "life event", "workforce_lifeeventfact", "concat_ws('-', n.person_id, n.event_class, n.valid_from)"
)
EVENTS_CHANGED = changed("event", "events_eventstep", _STEPPED, "n.moved_at", pipeline=_BY_RUN)
ELECTIONS_CHANGED = changed(
    "election", "enrollment_election", _ELECTED, "coalesce(c.made_at, n.received_on)", extra=_OF_CHANGE
)
COVERAGE_CHANGED = changed("coverage", "enrollment_coverage", _COVERED, "n.made_at", pipeline=_BY_RUN)
EVIDENCE_CHANGED = changed("evidence", "enrollment_evidenceact", _COVERED, "n.acted_at")
IMPORTS_CHANGED = changed("import", "workforce_changeset", "n.id::text", "n.made_at")
TICKET = f"JOIN {then('casework_ticket')} ON t.form = '{{form}}' AND t.deleted_at IS NULL"
TICKETS = """
SELECT id::text AS key FROM casework_ticket
WHERE form = '{form}' AND client_id = %(client)s AND deleted_at IS NULL
"""
