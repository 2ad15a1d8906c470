"""Whether carriers know what is to be known, as they answered: the "done when" of steps about carriers."""

from openbenefits.carriers.rules.custody import TELLING
from openbenefits.workflow.checks import Check

_TELLING = ", ".join(f"'{state}'" for state in sorted(TELLING))
_TOLD = f"""EXISTS (
    SELECT 1 FROM carriers_fileline AS l JOIN carriers_carrierfile AS f ON f.id = l.file_id
    LEFT JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set
    WHERE l.client_id = c.client_id AND l.person_id = c.person_id AND l.plan_type = c.plan_type
      AND l.schedule_id IS NOT DISTINCT FROM c.schedule_id
      AND l.event_number IS NOT DISTINCT FROM c.event_number
      AND (f.kind = 'portal' OR f.state IN ({_TELLING})) AND coalesce(s.code, 'A') IN ('A', 'E')
      AND coalesce(l.verdict, '') <> 'refused'
)"""  # noqa: S608 - SQL of ours
_POINTS = f"""LEFT JOIN LATERAL (
    SELECT count(*) AS points, count(*) FILTER (WHERE {_TOLD}) AS told FROM (
        SELECT DISTINCT ON (c.person_id, c.benefit_record, c.plan_type, c.slot) c.*
        FROM enrollment_coverage AS c
        WHERE {{where}} AND c.superseded_by_run IS NULL AND c.superseded_at IS NULL
        ORDER BY c.person_id, c.benefit_record, c.plan_type, c.slot, c.begins_on DESC, c.version DESC
    ) AS c
    WHERE c.kind IN ('E', 'D', 'T') AND c.plan_type IN (
        SELECT DISTINCT l.plan_type FROM carriers_fileline AS l WHERE l.client_id = c.client_id
    )
) AS p ON true"""  # noqa: S608 - SQL of ours
"""What holds last of each plan type that carriers are told of, and how much of it a carrier has taken."""
_BY_HAND = """LEFT JOIN LATERAL (
    SELECT count(*) AS open FROM carriers_portalentry AS e WHERE {where} AND e.done_at IS NULL AND e.is_net
) AS e ON true"""
_PERSON = """JOIN workforce_person AS o ON o.id = split_part(a.key, '-', 1)::bigint"""
_OF_PERSON = "{row}.client_id = o.client_id AND {row}.person_id = o.id"
_SCHEDULE = """LEFT JOIN LATERAL (
    SELECT q.client_id FROM programs_schedule AS q WHERE q.schedule_id = a.key::int LIMIT 1
) AS k ON true"""
_IS_TOLD = "p.points > 0 AND p.told = p.points AND e.open = 0"
_SAID = "concat(p.told, ' of ', p.points, ' coverages taken by a carrier, ', e.open, ' entries to make')"

CHECKS = (
    Check(
        name="carriers told",
        title="What the person holds, or held last, was taken by every carrier that is told of it",
        kind="person",
        source=f"{_PERSON} {_POINTS.format(where=_OF_PERSON.format(row='c'))}"
        f" {_BY_HAND.format(where=_OF_PERSON.format(row='e'))}",
        is_done=_IS_TOLD,
        told=_SAID,
    ),
    Check(
        name="elections told",
        title="What the open enrolment brought was taken by every carrier that is told of it",
        kind="open enrolment",
        source=f"{_SCHEDULE} "
        + _POINTS.format(where="c.client_id = k.client_id AND c.schedule_id = a.key::int")
        + " "
        + _BY_HAND.format(where="e.client_id = k.client_id"),
        is_done=_IS_TOLD,
        told=_SAID,
    ),
    Check(
        name="carriers know the group",
        title="Every partner a file was built for has taken one about people of the client",
        kind="client",
        source=f"""LEFT JOIN LATERAL (
    SELECT count(DISTINCT f.partner) AS partners,
           count(DISTINCT f.partner) FILTER (WHERE f.kind = 'portal' OR f.state IN ({_TELLING})) AS taken
    FROM carriers_fileline AS l JOIN carriers_carrierfile AS f ON f.id = l.file_id
    WHERE l.client_id = a.key::int AND f.state NOT IN ('withdrawn', 'invalid')
) AS n ON true""",  # noqa: S608 - SQL of ours
        is_done="n.partners > 0 AND n.taken = n.partners",
        told="concat(n.taken, ' of ', n.partners, ' partners have taken a file')",
    ),
    Check(
        name="carriers told of the end",
        title="As carriers were told, nobody of the client is covered without an end",
        kind="client",
        source="""LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE v.ends_on IS NULL) AS open, count(*) AS spans
    FROM carriers_viewline AS v WHERE v.client_id = a.key::int
) AS n ON true""",
        is_done="n.open = 0",
        told="concat(n.open, ' of ', n.spans, ' spans told without an end')",
    ),
)
"""A client no file was ever built for is told of to nobody: its steps about carriers stay for a person."""
