"""The named SQL of renewals: offers, their lines, who holds what, who has elected."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, AreaOf
from openbenefits.core.days import age_years
from openbenefits.core.money import CENTS_PER_DOLLAR, divide_half_up
from openbenefits.renewals.rules.pricing import EDGES, LINES, MONTHS
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import frames as workforce

COVERED = [str(kind) for kind in COVERED_KINDS]

OFFERS = {
    "offer_id": pl.Int64(),
    "batch_id": pl.Int64(),
    "client_id": pl.Int32(),
    "status": pl.String(),
    "plan_id": pl.Int64(),
    "unique_code": pl.String(),
    "plan_name": pl.String(),
    "plan_type": pl.String(),
    "carrier": pl.String(),
    "setup_plan": pl.String(),
    "rate_group": pl.String(),
    "factor_micros": pl.Int64(),
    "benefit_group": pl.String(),
    "program": pl.String(),
    "option_code": pl.String(),
    "client_plan_code": pl.String(),
    "method": pl.String(),
    "renewed_from_id": pl.Int64(),
    "waiting_period": pl.String(),
    "begins_on": pl.Date(),
    "expires_on": pl.Date(),
}
OFFERS_QUERY = """
SELECT o.id AS offer_id, o.batch_id, o.client_id, o.status, o.plan_id, p.unique_code, p.name AS plan_name,
       p.plan_type, p.carrier, p.setup_plan, g.title AS rate_group,
       CASE WHEN g.rate_source = 'percentage' THEN g.factor_micros ELSE o.risk_factor_micros END
         AS factor_micros,
       o.benefit_group, o.program, o.option_code, o.client_plan_code, o.method, o.renewed_from_id,
       o.waiting_period, o.begins_on, o.expires_on
FROM renewals_offer AS o JOIN renewals_benefitsplan AS p ON p.id = o.plan_id
LEFT JOIN renewals_rategroup AS g ON g.id = o.rate_group_id
WHERE o.batch_id = ANY(%(batches)s) OR o.id = ANY(%(offers)s)
ORDER BY p.plan_type, p.carrier, p.unique_code, o.benefit_group, o.id
"""
LINES_QUERY = """
SELECT o.id AS offer_id, r.tier, r.bands ->> 'age' AS age, r.bands ->> 'service' AS service,
       r.bands ->> 'pay' AS pay, r.bands ->> 'smoker' AS smoker, r.bands ->> 'area' AS area,
       r.premium_micros, r.cost_micros,
       CASE WHEN g.rate_source = 'percentage' THEN g.factor_micros ELSE o.risk_factor_micros END
         AS factor_micros,
       o.method, t.employer_cents AS stated_cents, t.employer_percent_micros AS stated_percent_micros,
       coalesce(c.people, 0) AS people, g.unit,
       CASE WHEN c.people > 0 AND NOT c.is_edited THEN c.volume_cents  -- else as that of the others
            ELSE coalesce(c.volume_cents, round(avg(c.volume_cents) OVER (PARTITION BY o.id))::bigint) END
         AS volume_cents,
       nullif(g.geography, '') AS geography, g.area_of
FROM renewals_offer AS o
JOIN renewals_rategroup AS g ON g.id = o.rate_group_id
JOIN renewals_grouprate AS r ON r.rate_group_id = g.id
LEFT JOIN renewals_offertier AS t ON t.offer_id = o.id AND t.tier = r.tier
LEFT JOIN renewals_offercount AS c ON c.offer_id = o.id AND c.tier = r.tier AND c.bands = r.bands
WHERE o.batch_id = ANY(%(batches)s) OR o.id = ANY(%(offers)s)
ORDER BY o.id, array_position(ARRAY['EE','ES','EC','EK','EF'], r.tier), (r.bands ->> 'age')::int,
         (r.bands ->> 'service')::int, (r.bands ->> 'pay')::int, r.bands ->> 'smoker', r.bands ->> 'area'
"""
HELD = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "option": pl.String(),
    "plan": pl.String(),
    "coverage_cents": pl.Int64(),
}
HELD_QUERY = """
SELECT c.client_id, c.person_id, c.benefit_record, k.code AS option, p.code AS plan, c.coverage_cents
FROM (
    SELECT DISTINCT ON (client_id, person_id, benefit_record, plan_type, slot)
           client_id, person_id, benefit_record, kind, option_id, coverage_cents
    FROM enrollment_coverage
    WHERE client_id = %(client)s AND superseded_by_run IS NULL AND begins_on <= %(as_of)s
    ORDER BY client_id, person_id, benefit_record, plan_type, slot, begins_on DESC, version DESC
) AS c JOIN programs_setupkey AS k ON k.id = c.option_id AND k.client_id = c.client_id
LEFT JOIN (
    SELECT DISTINCT ON (x.option_id) x.option_id, x.plan_id
    FROM programs_option AS x JOIN programs_bundle AS b ON b.release_id = x.release_id
    WHERE x.client_id = %(client)s AND x.valid_from <= %(as_of)s
    ORDER BY x.option_id, x.valid_from DESC
) AS o ON o.option_id = c.option_id
LEFT JOIN programs_setupkey AS p ON p.id = o.plan_id
WHERE c.kind = ANY(%(kinds)s)
"""
STORED = {
    "option": pl.String(),
    "plan": pl.String(),
    "people": pl.Int64(),
    "least_employer": pl.Int64(),
    "most_employer": pl.Int64(),
    "least_total": pl.Int64(),
    "most_total": pl.Int64(),
}
STORED_QUERY = """
SELECT k.code AS option, p.code AS plan, count(*) AS people,
       min(annual_employer_cents) AS least_employer, max(annual_employer_cents) AS most_employer,
       min(annual_before_tax_cents + annual_after_tax_cents + annual_employer_cents) AS least_total,
       max(annual_before_tax_cents + annual_after_tax_cents + annual_employer_cents) AS most_total
FROM events_event AS e
JOIN enrollment_eventoption AS o
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
JOIN programs_setupkey AS k ON k.id = o.option_id AND k.client_id = o.client_id
JOIN programs_setupkey AS p ON p.id = (
    SELECT plan_id FROM programs_option AS x JOIN programs_bundle AS b ON b.release_id = x.release_id
    WHERE x.option_id = o.option_id AND x.client_id = o.client_id AND x.valid_from <= %(as_of)s
    ORDER BY x.valid_from DESC LIMIT 1
)
WHERE e.client_id = %(client)s AND e.schedule_id = %(schedule)s AND e.event_status <> 'V'
GROUP BY k.code, p.code ORDER BY k.code
"""

ADDRESSES = {"kind": pl.String(), "code": pl.String(), "zip": pl.String()}
ADDRESSES_QUERY = """
SELECT kind, code, zip FROM (
    SELECT DISTINCT ON (a.kind, a.code) a.kind, a.code, a.zip, a.is_active
    FROM programs_address AS a JOIN programs_bundle AS b ON b.release_id = a.release_id
    WHERE a.client_id = %(client)s AND a.valid_from <= %(as_of)s
    ORDER BY a.kind, a.code, a.valid_from DESC
) AS latest WHERE is_active
"""
ZIPS = {f"{address}_zip": pl.String() for address in AreaOf}


def load_offers(connection: Any, batches: Sequence[int] = (), offers: Sequence[int] = ()) -> pl.DataFrame:
    """Load the offers of some batches, or some offers: OFFERS, by category, carrier and plan."""
    return copy_out(connection, OFFERS_QUERY, OFFERS, _asked(batches, offers))


def load_lines(connection: Any, batches: Sequence[int] = (), offers: Sequence[int] = ()) -> pl.DataFrame:
    """Load the lines of the offers of some batches, or of some offers: pricing.LINES."""
    return copy_out(connection, LINES_QUERY, LINES, _asked(batches, offers))


def _asked(batches: Sequence[int], offers: Sequence[int]) -> dict[str, Any]:
    return {"batches": list(batches), "offers": list(offers)}


def load_held(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """Load who is covered by which option on a day, with age and benefit group.

    Shapes: client_id, person_id, benefit_record, option (program/plan type/option code), plan,
            coverage_cents, benefit_group, monthly_pay_cents, and a column for each of `codes.Band` but the
            area, which is another in each geography: of it the zips of the home, the company and the place
            of work (<address>_zip). Null: not known.
    """
    where = {"client": client_id, "as_of": as_of, "kinds": COVERED}
    held = copy_out(connection, HELD_QUERY, HELD, where)
    cases = (
        held.select("client_id", "person_id", "benefit_record")
        .unique(maintain_order=True)
        .with_row_index("case")
        .with_columns(pl.col("case").cast(pl.Int32), as_of=pl.lit(as_of))
    )
    if cases.is_empty():
        kinds = {**EDGES, "benefit_group": pl.String(), "monthly_pay_cents": pl.Int64(), **ZIPS}
        return held.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items())
    facts = workforce.as_of(connection, cases).select(
        *("client_id", "person_id", "benefit_record", "benefit_group", "birth_on", "service_on"),
        *("annual_pay_cents", "is_smoker", "postal_code", "company", "location"),
    )
    on = pl.lit(as_of)
    places = copy_out(connection, ADDRESSES_QUERY, ADDRESSES, where)
    for kind in (AreaOf.COMPANY, AreaOf.LOCATION):
        known = places.filter(kind=str(kind)).select("code", pl.col("zip").alias(f"{kind}_zip"))
        facts = facts.join(known, left_on=str(kind), right_on="code", how="left", maintain_order="left")
    found = facts.select(
        *("person_id", "benefit_record", "benefit_group"),
        age=age_years(pl.col("birth_on"), on).cast(pl.Int32),
        service=age_years(pl.col("service_on"), on).cast(pl.Int32),
        pay=(pl.col("annual_pay_cents") // CENTS_PER_DOLLAR).cast(pl.Int32),
        smoker=pl.col("is_smoker").cast(pl.Int32),
        monthly_pay_cents=divide_half_up(pl.col("annual_pay_cents"), MONTHS),
        home_zip=pl.col("postal_code").str.slice(0, 5),
        company_zip="company_zip",
        location_zip="location_zip",
    )
    return held.join(found, on=["person_id", "benefit_record"], how="left")


def load_stored(connection: Any, client_id: int, schedule_id: int, as_of: date) -> pl.DataFrame:
    """Load what each option cost in an open enrolment, as stored: STORED, cents of a year, least and most."""
    where = {"client": client_id, "schedule": schedule_id, "as_of": as_of}
    return copy_out(connection, STORED_QUERY, STORED, where)


CHOSEN = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
    "plan_type": pl.String(),
    "option_id": pl.Int32(),
    "keyed": pl.String(),
    "pledge_cents": pl.Int64(),
    "is_withdrawn": pl.Boolean(),
}
CHOSEN_QUERY = """
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number, plan_type)
       client_id, person_id, benefit_record, schedule_id, event_number, plan_type, option_id,
       option_code AS keyed, pledge_cents, is_withdrawn
FROM enrollment_election
WHERE client_id = %(client)s AND schedule_id = ANY(%(schedules)s) AND slot = 0
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, plan_type, submission DESC
"""


def load_elected(connection: Any, client_id: int, schedule_ids: Sequence[int]) -> pl.DataFrame:
    """Load the last submission of each choice in some schedules, those withdrawn left out: CHOSEN."""
    where = {"client": client_id, "schedules": list(schedule_ids)}
    return copy_out(connection, CHOSEN_QUERY, CHOSEN, where).filter(~pl.col("is_withdrawn"))
