"""The SQL of the checks that look at the floors below.

Set-up, census, events, coverage, deductions, duties.
"""

_CLIENT = "CROSS JOIN LATERAL (SELECT a.key::int AS client_id) AS k"
_PERSON = """JOIN workforce_person AS o ON o.id = split_part(a.key, '-', 1)::bigint
CROSS JOIN LATERAL (SELECT o.client_id, o.id AS person_id) AS k"""
_EVENTS = "e.client_id = k.client_id AND e.person_id = k.person_id"
_COVERED = """(
    SELECT DISTINCT ON (c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot) c.*
    FROM enrollment_coverage AS c
    WHERE {where} AND c.superseded_by_run IS NULL AND c.superseded_at IS NULL AND c.begins_on <= {day}
    ORDER BY c.client_id, c.person_id, c.benefit_record, c.plan_type, c.slot, c.begins_on DESC, c.version DESC
)"""
_ENDED = "greatest(a.today, coalesce(j.last_day_employed, a.today)) + 62"  # run-outs and month ends are over
_COVERED_BY_HIM = _COVERED.format(where="c.client_id = k.client_id AND c.person_id = k.person_id", day=_ENDED)
_COVERED_TODAY = _COVERED.format(where="c.client_id = k.client_id", day="a.today")
_LAST_JOB = """LEFT JOIN LATERAL (
    SELECT f.last_day_employed, f.job_status FROM workforce_jobfact AS f
    WHERE f.client_id = k.client_id AND f.person_id = k.person_id AND NOT f.is_deleted
    ORDER BY f.valid_from DESC, f.sequence DESC, f.version DESC LIMIT 1
) AS j ON true"""
_OF_JOB_EVENTS = """LEFT JOIN LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE e.event_status = 'O') AS open
    FROM events_event AS e WHERE e.client_id = k.client_id AND e.person_id = k.person_id
) AS n ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS waiting FROM workforce_factchange AS f
    WHERE f.client_id = k.client_id AND f.person_id = k.person_id AND f.is_trigger
      AND f.consumed_by_run IS NULL
) AS w ON true"""

_HIS = "d.client_id = k.client_id AND d.person_id = k.person_id"
_DUTIES = """LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE q.state = 'due') AS due,
           count(*) FILTER (WHERE q.state = 'due' AND EXISTS (
               SELECT 1 FROM compliance_cobraact AS x
               WHERE x.client_id = q.client_id AND x.person_id = q.person_id
                 AND x.dependent_id = q.dependent_id AND x.cover = q.cover AND x.lost_on = q.lost_on
                 AND x.kind IN ('noticed', 'corrected')
           )) AS told
    FROM (
        SELECT DISTINCT ON (d.person_id, d.dependent_id, d.cover, d.lost_on) d.*
        FROM compliance_cobraduty AS d WHERE {mine}
        ORDER BY d.person_id, d.dependent_id, d.cover, d.lost_on, d.version DESC
    ) AS q
) AS d ON true"""
"""Duties to tell somebody of continuation, and how many were."""

CHECKS = (
    {
        "name": "set-up in force",
        "title": "Set-up is applied, with programs and an open enrolment or event maintenance",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN programs_bundle AS b ON b.client_id = k.client_id
LEFT JOIN LATERAL (
    SELECT count(*) AS programs FROM programs_program WHERE release_id = b.release_id
) AS p ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS schedules FROM programs_schedule WHERE release_id = b.release_id
) AS s ON true""",
        "is_done": "p.programs > 0 AND s.schedules > 0",
        "told": "concat(p.programs, ' programs, ', s.schedules, ' schedules in force')",
    },
    {
        "name": "deduction codes stated",
        "title": "Deduction codes and pay calendars are there",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN programs_bundle AS b ON b.client_id = k.client_id
LEFT JOIN LATERAL (
    SELECT count(*) AS groups FROM programs_paygroup WHERE release_id = b.release_id
) AS g ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS codes FROM programs_deductioncode AS d
    JOIN programs_bundle AS q ON q.release_id = d.release_id
    WHERE q.client_id IN (0, k.client_id)
) AS d ON true""",
        "is_done": "g.groups > 0 AND d.codes > 0",
        "told": "concat(d.codes, ' deduction codes, ', g.groups, ' pay groups')",
    },
    {
        "name": "census matched",
        "title": "Everybody of the census has a job",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT count(*) AS people, count(*) FILTER (WHERE NOT EXISTS (
        SELECT 1 FROM workforce_jobfact AS f WHERE f.client_id = p.client_id AND f.person_id = p.id
    )) AS jobless FROM workforce_person AS p WHERE p.client_id = k.client_id
) AS n ON true""",
        "is_done": "n.people > 0 AND n.jobless = 0",
        "told": "concat(n.people, ' people, ', n.jobless, ' without a job')",
    },
    {
        "name": "everybody enrolled",
        "title": "Nobody has an open event or a change that waits, and everybody has had an event",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT count(*) AS people, count(*) FILTER (WHERE NOT EXISTS (
        SELECT 1 FROM events_event AS e WHERE e.client_id = p.client_id AND e.person_id = p.id
    )) AS without FROM workforce_person AS p WHERE p.client_id = k.client_id
) AS n ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM events_event AS e WHERE e.client_id = k.client_id AND e.event_status = 'O'
) AS e ON true""",
        "is_done": "n.people > 0 AND n.without = 0 AND e.open = 0",
        "told": "concat(e.open, ' open events, ', n.without, ' people without any')",
    },
    {
        "name": "first pay taken",
        "title": "A first pay has reported what it took",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (SELECT count(*) AS taken FROM payroll_taken WHERE client_id = k.client_id) AS t ON true""",
        "is_done": "t.taken > 0",
        "told": "concat(t.taken, ' amounts reported as taken')",
    },
    {
        "name": "first pay of the year taken",
        "title": "A pay of the year of the open enrolment has reported what it took",
        "kind": "open enrolment",
        "source": """LEFT JOIN LATERAL (
    SELECT s.client_id, s.period_begins_on FROM programs_schedule AS s
    JOIN programs_bundle AS b ON b.release_id = s.release_id WHERE s.schedule_id = a.key::int LIMIT 1
) AS k ON true
LEFT JOIN LATERAL (
    SELECT count(DISTINCT (r.pay_group_id, r.ends_on)) AS pays FROM payroll_payreport AS r
    WHERE r.client_id = k.client_id AND r.ends_on >= k.period_begins_on
      AND NOT EXISTS (SELECT FROM workforce_changeset AS u WHERE u.undoes_id = r.change_id)
) AS t ON true""",
        "is_done": "t.pays > 0",
        "told": "concat(t.pays, ' pays of the year reported')",
    },
    {
        "name": "person settled",
        "title": "Every event of the person is final, and no change waits to become one",
        "kind": "person",
        "source": f"{_PERSON} {_OF_JOB_EVENTS}",
        "is_done": "n.events > 0 AND n.open = 0 AND w.waiting = 0",
        "told": "concat(n.open, ' of ', n.events, ' events open, ', w.waiting, ' changes waiting')",
    },
    {
        "name": "coverage ended",
        "title": "Who has left is covered no longer than the run-out, or continues at own cost",
        "kind": "person",
        "source": f"""{_PERSON} {_LAST_JOB}
LEFT JOIN LATERAL (
    SELECT count(*) AS plans FROM {_COVERED_BY_HIM} AS c
    WHERE c.kind IN ('E', 'D') AND c.basis <> 'continuation'
) AS c ON true""",
        "is_done": "c.plans = 0",
        "told": "concat(c.plans, ' plan types in which coverage has no end')",
    },
    {
        "name": "COBRA notice sent",
        "title": "No event of the person is open, and every duty to tell of continuation has its notice",
        "kind": "person",
        "source": f"""{_PERSON} {_OF_JOB_EVENTS} {_DUTIES.format(mine=_HIS)}""",
        "is_done": "d.told >= d.due AND n.open = 0 AND w.waiting = 0",
        "told": "concat(d.told, ' notices for ', d.due, ' duties, ', n.open + w.waiting, ' events open')",
    },
    {
        "name": "COBRA notices sent",
        "title": "No event of the client is open, and every duty to tell of continuation has its notice",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM events_event AS e WHERE e.client_id = k.client_id AND e.event_status = 'O'
) AS e ON true
{_DUTIES.format(mine="d.client_id = k.client_id")}""",
        "is_done": "d.told >= d.due AND e.open = 0",
        "told": "concat(d.told, ' notices for ', d.due, ' duties, ', e.open, ' events open')",
    },
    {
        "name": "papers decided",
        "title": "No paper of the person waits to be looked at",
        "kind": "person",
        "source": f"""{_PERSON}
LEFT JOIN LATERAL (
    SELECT count(*) AS papers, count(*) FILTER (WHERE p.state = 'received') AS waiting
    FROM enrollment_document AS p WHERE p.client_id = k.client_id AND p.person_id = k.person_id
) AS p ON true""",
        "is_done": "p.waiting = 0",
        "told": "concat(p.waiting, ' of ', p.papers, ' papers wait')",
    },
    {
        "name": "records handed over",
        "title": "The records of the client were handed over, as the audit trail says",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT max(e.at)::date AS last FROM accounts_auditentry AS e
    WHERE e.client_id = k.client_id AND e.what = 'records handed over'
) AS e ON true""",
        "is_done": "e.last IS NOT NULL",
        "told": "coalesce('handed over on ' || e.last, 'not handed over yet')",
    },
    {
        "name": "open enrolment complete",
        "title": "Every event of the open enrolment is final: elected, waived or defaulted",
        "kind": "open enrolment",
        "source": """LEFT JOIN LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE e.event_status = 'O') AS open
    FROM events_event AS e WHERE e.schedule_id = a.key::int
) AS n ON true""",
        "is_done": "n.events > 0 AND n.open = 0",
        "told": "concat(n.open, ' of ', n.events, ' events not final')",
    },
    {
        "name": "open enrolment prepared",
        "title": "The events of the open enrolment are there, with options prepared",
        "kind": "open enrolment",
        "source": """LEFT JOIN LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE e.preparation = 0) AS bare
    FROM events_event AS e WHERE e.schedule_id = a.key::int
) AS n ON true""",
        "is_done": "n.events > 0 AND n.bare = 0",
        "told": "concat(n.events, ' events, ', n.bare, ' without options')",
    },
    {
        "name": "statements sent",
        "title": "Everybody in the open enrolment has a statement",
        "kind": "open enrolment",
        "source": """LEFT JOIN LATERAL (
    SELECT count(*) AS events,
           count(*) FILTER (WHERE e.option_notified_on IS NULL AND e.event_status = 'O') AS untold
    FROM events_event AS e WHERE e.schedule_id = a.key::int
) AS n ON true""",
        "is_done": "n.events > 0 AND n.untold = 0",
        "told": "concat(n.untold, ' of ', n.events, ' events without a statement')",
    },
    {
        "name": "nobody covered",
        "title": "Nobody of the client is covered any more, but by continuation",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT count(DISTINCT c.person_id) AS people FROM {_COVERED_TODAY} AS c
    WHERE c.kind IN ('E', 'D') AND c.basis <> 'continuation'
) AS c ON true""",
        "is_done": "c.people = 0",
        "told": "concat(c.people, ' people covered')",
    },
    {
        "name": "everybody left",
        "title": "Nobody of the client has a job that goes on",
        "kind": "client",
        "source": f"""{_CLIENT}
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE j.job_status IN ('A', 'L', 'P', 'S', 'W')) AS people FROM (
        SELECT DISTINCT ON (f.person_id, f.job_number) f.job_status FROM workforce_jobfact AS f
        WHERE f.client_id = k.client_id AND NOT f.is_deleted
        ORDER BY f.person_id, f.job_number, f.valid_from DESC, f.sequence DESC, f.version DESC
    ) AS j
) AS n ON true""",
        "is_done": "n.people = 0",
        "told": "concat(n.people, ' jobs that go on')",
    },
)
