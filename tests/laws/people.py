"""People with jobs, households, events, coverage and elections."""

from datetime import date, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.drawing import (
    BASE_TYPES,
    EVENT_CLASSES,
    FIXED,
    GRADED_BY_PAY,
    HEALTH,
    LISTS,
    PLAN_TYPES,
    PLEDGED,
    ZIPS,
    Row,
    days,
    dollars,
    or_missing,
    rarely,
)


@st.composite
def people(draw: DrawFn, client: Row) -> Row:
    """Draw a person with an event of 2026, under the programs of a client."""
    event = draw(events(client))
    event_on = event["event_on"]
    hire_on = draw(days(date(2023, 1, 1), event_on))
    if event["event_class"] == "HIR":
        hire_on = event_on
    return {
        "birth_on": or_missing(draw, days(date(1948, 1, 1), date(2007, 1, 1))),
        "sex": or_missing(draw, st.sampled_from("FMX")),
        "is_smoker": or_missing(draw, st.booleans()),
        "service_on": or_missing(draw, st.just(hire_on) | days(date(2015, 1, 1), hire_on)),
        "hire_on": hire_on,
        "zip": or_missing(draw, st.sampled_from([*ZIPS, *ZIPS, "99999"])),
        "state": or_missing(draw, st.sampled_from(LISTS["state"])),
        "is_medicare_entitled": or_missing(draw, st.booleans()),
        "job": or_missing(draw, jobs(event), 30),
        "pay_history": draw(pay_histories()),
        "benefit_bases": draw(benefit_bases()),
        "job_history": draw(job_histories()),
        "more_jobs": draw(st.lists(further_jobs(event), max_size=2)) if rarely(draw, 3) else [],
        "overrides": draw(overrides(client)),
        "price_decisions": draw(price_decisions(client)),
        "dependents": (household := draw(households(event))),
        "current": (current := draw(elections(client, [one["id"] for one in household]))),
        "left_on": draw(left_plan_types(event_on)),
        "ended": draw(endings(client, [one["id"] for one in household], current, event_on)),
        "approved": draw(
            st.dictionaries(st.sampled_from(["20", "21", "22"]), st.integers(0, 30_000_000), max_size=2)
        ),
        "prior_options": draw(prior_options(client)),
        "event": event,
    }


@st.composite
def events(draw: DrawFn, client: Row) -> Row:
    event_class = draw(st.sampled_from(EVENT_CLASSES))
    event_on = draw(days(date(2026, 1, 1), date(2026, 12, 31)))
    received_on = draw(st.none() | days(event_on - timedelta(20), event_on + timedelta(40)))
    restriction = None
    if event_class == "OE":
        wanted = st.fixed_dictionaries(
            {}, optional={program["code"]: st.just([]) for program in client["programs"]}
        )
        restriction = draw(wanted.filter(bool))
        first = next(iter(restriction))
        if rarely(draw, 3):
            own = [section["plan_type"] for section in _sections(client, first)]
            restriction[first] = draw(st.lists(st.sampled_from(own), min_size=1, unique=True))
    return {
        "event_class": event_class,
        "event_on": event_on,
        "received_on": received_on,
        "programs": restriction,
    }


@st.composite
def pay_histories(draw: DrawFn) -> list[Row]:
    """Draw what somebody earned since when, perhaps not before some day, perhaps unknown for a while."""
    since = draw(st.lists(days(date(2024, 12, 1), date(2027, 1, 31)), max_size=3, unique=True))
    return [
        {"valid_from": day, "annual_pay_cents": or_missing(draw, st.integers(800_000, 30_000_000))}
        for day in sorted(since)
    ]


@st.composite
def job_histories(draw: DrawFn) -> list[Row]:
    """Draw which jobs somebody had since when, and what is known of them."""
    since = draw(st.sets(days(date(2024, 12, 1), date(2027, 1, 31)), max_size=3))
    return [{"valid_from": day, "jobs": draw(_jobs_of_a_day())} for day in sorted(since)]


@st.composite
def _jobs_of_a_day(draw: DrawFn) -> list[Row]:
    jobs = [
        {
            "is_of_record": not rarely(draw, 3),
            "is_for_eligibility": not rarely(draw, 3),
            "job_status": or_missing(draw, st.sampled_from("AALT")),
            "annual_pay_cents": or_missing(draw, st.integers(800_000, 30_000_000)),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    if not rarely(draw, 4):
        jobs[0] |= {"is_primary": True, "is_of_record": True}
    return jobs


@st.composite
def benefit_bases(draw: DrawFn) -> list[Row]:
    """Draw what stands for pay since when, of some types."""
    return [{"base_type": kind, **one} for kind in BASE_TYPES for one in draw(pay_histories())]


@st.composite
def jobs(draw: DrawFn, event: Row) -> Row:
    job = {field: or_missing(draw, st.sampled_from(values), 24) for field, values in LISTS.items()}
    for field in ("state", "medicare", "company_pay_group"):
        del job[field]
    job["pay_group"] = or_missing(
        draw, st.sampled_from(["BW", "BW", "WK", "SM", "MO", "BW27", "SHORT", "OFF"]), 30
    )
    job["weekly_hours_hundredths"] = or_missing(draw, st.sampled_from([2000, 2999, 3000, 4000]))
    job["annual_pay_cents"] = or_missing(draw, dollars(8_000, 300_000).map(lambda amount: int(amount * 100)))
    job["is_for_eligibility"] = not rarely(draw, 8)
    job["last_day_employed"] = None
    if event["event_class"] == "TER":
        job["job_status"] = "T"
        job["last_day_employed"] = or_missing(draw, st.just(event["event_on"] - timedelta(1)), 10)
    return job


@st.composite
def further_jobs(draw: DrawFn, event: Row) -> Row:
    """Draw a job beside the primary one, perhaps of another benefit record."""
    flags = {"is_for_eligibility": not rarely(draw, 3), "is_of_record": not rarely(draw, 3)}
    return draw(jobs({**event, "event_class": "MSC"})) | flags


@st.composite
def overrides(draw: DrawFn, client: Row) -> list[Row]:
    """Draw what somebody decided in place of rules: about a program, or about some options."""
    if not rarely(draw, 4):
        return []
    program = draw(st.sampled_from(sorted({row["code"] for row in client["programs"]})))
    places = [
        (section["plan_type"], code)
        for section in _sections(client, program)
        for code in option_codes(section)
    ]
    of_program = next(row for row in client["programs"] if row["code"] == program)
    places += [("01", one["code"]) for one in of_program.get("deductions", [])]
    decided = [{"program": program}] if draw(st.booleans()) else []
    chosen = draw(st.lists(st.sampled_from(places), max_size=2, unique=True))
    decided += [{"program": program, "plan_type": kind, "option": code} for kind, code in chosen]
    return [{**one, "eligible": draw(st.booleans())} for one in decided]


@st.composite
def price_decisions(draw: DrawFn, client: Row) -> list[Row]:
    """Draw what somebody decided about prices: of a plan type, or of options, for a while or for good."""
    if not rarely(draw, 4):
        return []
    program = draw(st.sampled_from(sorted({row["code"] for row in client["programs"]})))
    places: list[Row] = []
    for section in _sections(client, program):
        here = {"program": program, "plan_type": section["plan_type"]}
        places += [here, *({**here, "option": code} for code in option_codes(section))]
    return draw(st.lists(st.sampled_from(places).flatmap(_decided_price), min_size=1, max_size=4))


def _decided_price(place: Row) -> SearchStrategy[Row]:
    begin = st.just(date(2026, 1, 1)) | days(date(2025, 12, 1), date(2026, 12, 31))
    cents, whole = st.integers(0, 900_000), st.integers(0, 3_000_000)
    part = st.sampled_from(["total", "employer", "employee"])
    said = part.flatmap(lambda name: st.fixed_dictionaries({name: whole if name == "total" else cents}))
    both = st.sampled_from(["employer", "employee"]).flatmap(
        lambda name: st.fixed_dictionaries({"total": whole, name: cents})
    )
    through = st.none() | days(date(2026, 1, 1), date(2026, 12, 31))
    spans = st.fixed_dictionaries({"from": begin, "through": through})
    return st.tuples(said | both, spans).map(lambda drawn: {**place, **drawn[0], **drawn[1]})


@st.composite
def households(draw: DrawFn, event: Row) -> list[Row]:
    kinds = draw(st.lists(st.sampled_from(["SP", "DP", "SS"]), max_size=1))
    kinds += draw(st.lists(st.sampled_from(["CH", "CH", "AC", "OD", "NQ", "NQ"]), max_size=5))
    if event["event_class"] == "BIR":
        kinds.append("CH")
    members = [draw(dependents(number, kind, event["event_on"])) for number, kind in enumerate(kinds, 1)]
    if event["event_class"] == "BIR":
        members[-1]["birth_on"] = event["event_on"]
    return members


@st.composite
def dependents(draw: DrawFn, number: int, person_type: str, event_on: date) -> Row:
    first = date(1955, 1, 1) if person_type in ("SP", "DP", "SS") else date(1994, 1, 1)
    last = date(2005, 1, 1) if person_type in ("SP", "DP", "SS") else event_on
    last_student = event_on + timedelta(days=150)
    return {
        "id": number,
        "person_type": person_type,
        "birth_on": or_missing(draw, days(first, last)),
        "sex": or_missing(draw, st.sampled_from("FMX")),
        "is_smoker": or_missing(draw, st.booleans()),
        "is_student": rarely(draw, 4),
        "student_through": draw(
            st.sampled_from([None, event_on, event_on + timedelta(days=400)]) | days(event_on, last_student)
        ),
        "is_disabled": rarely(draw, 8),
        "is_married": rarely(draw, 8),
        "is_former": rarely(draw, 8),
    }


def _sections(client: Row, program: str) -> list[Row]:
    """List the plan types of the first row of a program."""
    return next(row["plan_types"] for row in client["programs"] if row["code"] == program)


def option_codes(section: Row) -> list[str]:
    """List the options of a plan type as they are written out, one for each coverage code."""
    return [
        f"{part['code']}-{code}" if code else part["code"]
        for part in section["options"]
        for code in part.get("coverage_codes") or [""]
    ]


@st.composite
def left_plan_types(draw: DrawFn, event_on: date) -> dict[str, date]:
    """Draw which plan types were left, and their first days without coverage."""
    day = days(event_on - timedelta(760), event_on - timedelta(1))
    return draw(st.dictionaries(st.sampled_from(PLAN_TYPES), day, max_size=6))


@st.composite
def elections(draw: DrawFn, client: Row, dependents: list[int]) -> list[Row]:
    """Draw what holds before the event: mostly under the first program, at most one entry a plan type.

    Health coverage names dependents of the household, whoever they are, or nobody.
    """
    held: dict[str, Row] = {}
    for program in draw(st.permutations(sorted({row["code"] for row in client["programs"]}))):
        for section in _sections(client, program):
            plan_type = section["plan_type"]
            if plan_type in held or rarely(draw, 3):
                continue
            kind = draw(st.sampled_from("EEEDDWTNI"))
            entry = {"plan_type": plan_type, "slot": 0, "kind": kind, "program": program, "option": None}
            entry |= {"coverage_cents": None, "pledge_cents": None}
            if kind in "ED":
                entry["option"] = draw(st.sampled_from(option_codes(section)))
                entry |= draw(held_amounts(plan_type))
                if plan_type in HEALTH and dependents and draw(st.booleans()):
                    entry["dependents"] = draw(st.lists(st.sampled_from(dependents), min_size=1, unique=True))
            held[plan_type] = entry
    return list(held.values())


@st.composite
def endings(
    draw: DrawFn, client: Row, dependents: list[int], current: list[Row], event_on: date
) -> list[Row]:
    """Draw what ended last in plan types: some of it still runs out, and is in force as it was."""
    if not rarely(draw, 3):
        return []
    in_force = {one["plan_type"]: one for one in current if one["kind"] in ("E", "D")}
    found = []
    for drawn in draw(elections(client, dependents)):
        running = in_force.get(drawn["plan_type"])
        if running is None and drawn["kind"] not in ("E", "D", "W"):
            continue
        ended_on = event_on - timedelta(draw(st.sampled_from([0, 1, 2, 29, 30, 31, 200])))
        ahead = st.integers(0, 40) if running else st.integers(-20, 0)
        resumes_on = max(ended_on, event_on + timedelta(draw(ahead)))
        dates = {"ended_on": ended_on, "resumes_on": resumes_on}
        dates["deduction_resumes_on"] = resumes_on + timedelta(draw(st.integers(-10, 20)))
        found.append({**(running or drawn), **dates})
    return found


def held_amounts(plan_type: str) -> SearchStrategy[Row]:
    cents = st.integers(1_000, 30_000_000)
    if plan_type in (*GRADED_BY_PAY, *FIXED):
        return st.fixed_dictionaries({"coverage_cents": cents})
    if plan_type in PLEDGED:
        return st.fixed_dictionaries({"pledge_cents": st.integers(1, 340_000)})
    return st.just({})


@st.composite
def prior_options(draw: DrawFn, client: Row) -> set[tuple[str, str]] | None:
    """Draw what the last event offered: nothing known, all of the first program, or some of it."""
    program = client["programs"][0]["code"]
    pairs = [
        (section["plan_type"], code)
        for section in _sections(client, program)
        for code in option_codes(section)
    ]
    match draw(st.sampled_from(["none", "all", "some"])):
        case "none":
            return None
        case "all":
            return set(pairs)
    return draw(st.sets(st.sampled_from(pairs)))
