"""The coverage of everybody on every future day, held against eligibility (docs/rules.md §18.4).

On each day on which anything may change (facts, set-up, ages, coverage) people who are covered are prepared
as an event of the default class on that day would be; what they have and may not have is a task, named from
its first day. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import Basis, BeginRule, EventStatus, Owner
from openbenefits.enrollment.basis import load_spans
from openbenefits.enrollment.frames import POINT, load_covered_dependents
from openbenefits.enrollment.rules.basis import RECORD
from openbenefits.enrollment.rules.judged import judged_members
from openbenefits.enrollment.rules.prepare import Prepared, prepare
from openbenefits.enrollment.rules.reinstated import nothing_ended
from openbenefits.enrollment.services import Known, load_known
from openbenefits.events.frames import load_events
from openbenefits.events.rules import FINAL
from openbenefits.programs.frames import load_rulebook, load_setup
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs.effects import default_cases
from openbenefits.runs.partitions import PARTITION_PEOPLE, with_partition
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import frames as workforce

COVERED_PEOPLE = """
SELECT DISTINCT client_id, person_id FROM enrollment_coverage
WHERE client_id = ANY(%(clients)s) AND superseded_by_run IS NULL AND kind IN ('E', 'D')
"""
PERSON = {"client_id": pl.Int32, "person_id": pl.Int64}
TASK = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "code": pl.String,
    "first_on": pl.Date,
    "dependent_id": pl.Int64,
    "owner": pl.String,
    "expected": pl.String,
    "found": pl.String,
    "cure": pl.String,
    "under_way": pl.String,
}
"""A task: from `first_on` a plan type, or a dependent in it, is covered and may not be; `under_way` names the
event that will deal with it, if there is one."""
VIOLATION = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "code": pl.String,
    "dependent_id": pl.Int64,
    "about": pl.String,
}
_END = "Enter or run the event that ends it, or decide by override."
TELLING = {
    "no_program": (Owner.HR_DATA, "a benefit program", "coverage, and no program", _END),
    "undecided": (Owner.HR_DATA, "a program that can be decided", "coverage, and an open question",
                  "Complete the facts, or correct the rules of the programs."),
    "not_offered": (Owner.SETUP, "an option of the program", "coverage in one no longer offered",
                    "Map the option to another by an event for everybody in it, or offer it again."),
    "not_eligible": (Owner.HR_DATA, "an option that rule, area and household admit",
                     "coverage in another", _END),
    "dependent": (Owner.HR_DATA, "dependents who count", "one covered who does not: {}",
                  "Enter the event of the dependent (divorce, age), which drops only that one."),
    "link": (Owner.ELECTION, "the coverage this one requires", "none in plan type {}",
             "Enter an event in which this plan type ends, or the other begins."),
}  # fmt: skip


def coverage_ahead(
    connection: Any,
    client_ids: Sequence[int],
    *,
    as_of: date,
    through: date,
    partition_people: int = PARTITION_PEOPLE,
) -> pl.DataFrame:
    """List what is covered on a day, from `as_of` through `through`, and may not be, from its first day.

    Shapes:  TASK, by person, plan type and day. Run-outs and what a person decided are as they should be.
    Missing: what cannot be decided for want of a fact is a task, too.
    """
    people = copy_out(connection, COVERED_PEOPLE, PERSON, {"clients": list(client_ids)})
    classes = load_setup(connection, client_ids)["event_class"].filter(use="D")
    found = [pl.DataFrame(schema=TASK)]
    if not people.is_empty() and not classes.is_empty():
        rulebook = on_the_day(load_rulebook(connection, client_ids))
        for part in with_partition(people, partition_people).partition_by("partition", include_key=False):
            found.append(_of_part(connection, part, classes["event_class_id"][0], as_of, through, rulebook))
    return pl.concat(found).sort("client_id", "person_id", "plan_type", "first_on", "code", "dependent_id")


def on_the_day(rulebook: Rulebook) -> Rulebook:
    """The same rules, but that every event begins coverage on its day and looks at every plan type.

    What is eligible is asked of the day itself: neither waits nor begin rules may move it.
    """
    rules = rulebook.event_rules.with_columns(
        coverage_begins=pl.lit(str(BeginRule.EVENT_DATE)),
        waiting_months=pl.lit(0, rulebook.event_rules.schema["waiting_months"]),
        waiting_days=pl.lit(0, rulebook.event_rules.schema["waiting_days"]),
        is_ignored=pl.lit(value=False),
    )
    return replace(rulebook, event_rules=rules)


def _of_part(
    connection: Any,
    people: pl.DataFrame,
    event_class_id: int,
    as_of: date,
    through: date,
    rulebook: Rulebook,
) -> pl.DataFrame:
    resting = [str(Basis.ELIGIBLE), str(Basis.LEAVE)]
    spans = load_spans(connection, people).filter(
        pl.col("basis").is_in(resting) & (pl.col("span_until") > as_of) & (pl.col("span_from") <= through)
    )
    asked = _days(connection, spans, as_of, through, rulebook)
    if asked.is_empty():
        return pl.DataFrame(schema=TASK)
    cases = default_cases(asked.drop("day"), event_class_id, as_of).with_columns(event_on=asked["day"])
    on_day = (pl.col("span_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("span_until"))
    held = cases.select("case", *RECORD, "event_on").join(spans, on=list(RECORD)).filter(on_day)
    standing = pl.lit(value=False)
    held = held.with_columns(is_future=standing, is_to_begin=standing).sort("case", "plan_type", "slot")
    known = load_known(connection, cases, rulebook)
    members = load_covered_dependents(connection, held).join(held.select("case", *POINT), on=list(POINT))
    found = _violations(known, held, members, rulebook)
    return _told(connection, found.join(cases.select("case", *RECORD, "event_on"), on="case"))


def _violations(known: Known, held: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """What is wrong, case by case: case, plan_type, code, dependent_id, about."""
    situation = known.situation
    members = members.select("case", "plan_type", "dependent_id")
    columns = [name for name in situation.in_force.columns if name in held.columns]
    situation = replace(
        situation,
        in_force=held.select(columns),
        held_members=members,
        chosen=held.select("case", "plan_type").head(0),
        chosen_members=members.head(0),
        ended=nothing_ended(),
    )
    prepared = prepare(situation, rulebook)
    parts = [
        _without_program(prepared, held),
        _lost(prepared),
        _who_counts_no_more(prepared, members, situation.members, rulebook),
        _without_required(prepared, held, rulebook),
    ]
    blank = {name: pl.lit(None, kind).alias(name) for name, kind in VIOLATION.items()}
    shaped = [
        part.with_columns(value for name, value in blank.items() if name not in part.columns).select(
            pl.col(name).cast(kind) for name, kind in VIOLATION.items()
        )
        for part in parts
    ]
    return pl.concat(shaped)


def _without_program(prepared: Prepared, held: pl.DataFrame) -> pl.DataFrame:
    status = prepared.cases.select("case", "program_status")
    rows = held.select("case", "plan_type").join(status, on="case")
    undecided, none = pl.col("program_status") == "AE", pl.col("program_status").is_in(["AN", "FA"])
    code = pl.when(undecided).then(pl.lit("undecided")).when(none).then(pl.lit("no_program"))
    return rows.with_columns(code=code).drop_nulls("code")


def _lost(prepared: Prepared) -> pl.DataFrame:
    """Options that are none of the program any more, or that nobody like this may have."""
    assigned = prepared.cases.filter(program_status="AS").select("case")
    lost = prepared.plans.filter("is_lost").join(assigned, on="case", how="semi")
    gone = pl.col("current_level").is_null()
    code = pl.when(gone).then(pl.lit("not_offered")).otherwise(pl.lit("not_eligible"))
    return lost.select("case", "plan_type", code=code)


def _who_counts_no_more(
    prepared: Prepared, named: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    own = prepared.plans.filter(~pl.col("is_ending") & pl.col("plan_row").is_not_null())
    on_day = prepared.cases.select("case", price_on="event_on")
    rows = own.drop("price_on", strict=False).join(on_day, on="case")
    judged = judged_members(rows, named, members, rulebook).filter(pl.col("why_not").is_not_null())
    return judged.select("case", "plan_type", "dependent_id", code=pl.lit("dependent"), about="why_not")


def _without_required(prepared: Prepared, held: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    rows = held.select("case", "plan_type", "option_id").join(
        prepared.plans.select("case", "plan_type", "plan_row"), on=["case", "plan_type"]
    )
    linked = rulebook.options.select("plan_row", "option_id", "required_plan_type", "required_plan_id")
    plans = rulebook.options.select("option_id", held_plan_id="plan_id").unique("option_id")
    there = held.select("case", "option_id", required_plan_type="plan_type").join(plans, on="option_id")
    pairs = rows.join(linked.drop_nulls("required_plan_type"), on=["plan_row", "option_id"]).join(
        there.drop("option_id"), on=["case", "required_plan_type"], how="left"
    )
    meets = pl.col("required_plan_id").is_null() | (pl.col("required_plan_id") == pl.col("held_plan_id"))
    unmet = pairs.filter(pl.col("held_plan_id").is_null() | ~meets)
    return unmet.select("case", "plan_type", code=pl.lit("link"), about="required_plan_type")


# --- which days ---------------------------------------------------------------------------------------------


def _days(
    connection: Any, spans: pl.DataFrame, as_of: date, through: date, rulebook: Rulebook
) -> pl.DataFrame:
    """The days on which something may change for each benefit record with coverage: RECORD and day."""
    if spans.is_empty():
        return pl.DataFrame(schema={**PERSON, "benefit_record": pl.Int16, "day": pl.Date})
    records = spans.select(RECORD).unique()
    common = [
        as_of,
        *_days_of_setup(rulebook),
        *(date(year, 1, 1) for year in range(as_of.year, through.year + 1)),
    ]
    everybody = records.join(pl.DataFrame({"day": common}), how="cross")
    own = spans.select(*RECORD, day="span_from")
    people = records.select("client_id", "person_id").unique()
    facts = records.join(_days_of_facts(connection, people, as_of, through, rulebook), on="person_id")
    columns = [*RECORD, "day"]
    found = pl.concat([one.select(columns) for one in (everybody, own, facts)]).unique()
    covered = found.join(spans.select(*RECORD, "span_from", "span_until"), on=list(RECORD)).filter(
        pl.col("day").is_between(as_of, through)
        & (pl.col("span_from") <= pl.col("day"))
        & (pl.col("day") < pl.col("span_until"))
    )
    return covered.select(columns).unique().sort(columns)


def _days_of_setup(rulebook: Rulebook) -> list[date]:
    """Every day from which some row of set-up holds."""
    found: set[date] = set()
    for name in rulebook.names():
        frame = getattr(rulebook, name)
        if "valid_from" in frame.columns and frame.schema["valid_from"] == pl.Date:
            found |= set(frame["valid_from"].drop_nulls().unique())
    return sorted(found)


def _days_of_facts(
    connection: Any, people: pl.DataFrame, as_of: date, through: date, rulebook: Rulebook
) -> pl.DataFrame:
    """The days from which facts are true, anniversaries of birth and service, and limits of dependents."""
    jobs = workforce.load_jobs(connection, people)
    persons = workforce.load_persons(connection, people, {"birth_on": pl.Date(), "service_on": pl.Date()})
    homes = workforce.load_addresses(connection, people, {"postal_code": pl.String()})
    kin = workforce.load_dependents(connection, people, {"birth_on": pl.Date(), "student_through": pl.Date()})
    dated = [rows.select("person_id", day="valid_from") for rows in (jobs, persons, homes, kin)]
    evidence = kin.select("person_id", day=pl.col("student_through") + timedelta(days=1))
    ages = [
        _anniversaries(persons, "birth_on", 12, as_of, through),
        _anniversaries(persons, "service_on", 1, as_of, through),
        _limits(kin, rulebook),
    ]
    return pl.concat([*dated, evidence, *ages]).drop_nulls().unique()


def _anniversaries(rows: pl.DataFrame, name: str, months: int, as_of: date, through: date) -> pl.DataFrame:
    """The days on which so many more months have passed since a day."""
    span = (through.year - as_of.year) * 12 + through.month - as_of.month
    steps = pl.DataFrame({"step": list(range(0, span + 13, months))}, schema={"step": pl.Int32})
    begun = rows.select("person_id", since=name).drop_nulls().unique()
    year, month = pl.lit(as_of.year), pl.lit(as_of.month)
    passed = (year - pl.col("since").dt.year()) * 12 + month - pl.col("since").dt.month()
    first = (passed // months * months).cast(pl.Int32)
    pairs = begun.with_columns(first=first).join(steps, how="cross")
    return pairs.select("person_id", day=days.add_months(pl.col("since"), pl.col("first") + pl.col("step")))


def _limits(kin: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The first days on which a dependent may be too old: by birthday, the day after, month or year."""
    ages = pl.concat([rulebook.dependent_rules["age_limit"], rulebook.dependent_rules["student_age_limit"]])
    limits = pl.DataFrame({"months": ages.drop_nulls().unique().cast(pl.Int32) * 12})
    born = kin.select("person_id", "birth_on").drop_nulls().unique()
    reached = born.join(limits, how="cross").select(
        "person_id", day=days.add_months(pl.col("birth_on"), pl.col("months"))
    )
    day = pl.col("day")
    others = (
        day + timedelta(days=1),
        day.dt.month_end() + timedelta(days=1),
        pl.date(day.dt.year() + 1, 1, 1),
    )
    return pl.concat([reached, *(reached.select("person_id", day=one) for one in others)])


# --- what is told ------------------------------------------------------------------------------------------


def _told(connection: Any, found: pl.DataFrame) -> pl.DataFrame:
    """Keep the first day of each violation, say it in words, and name the event that will deal with it."""
    key = [*RECORD, "plan_type", "code", "dependent_id"]
    first = found.sort("event_on").unique(key, keep="first", maintain_order=True)
    if first.is_empty():
        return pl.DataFrame(schema=TASK)
    owners = {code: str(told[0]) for code, told in TELLING.items()}
    expected = {code: told[1] for code, told in TELLING.items()}
    words = {code: told[2].format("") for code, told in TELLING.items()}
    cures = {code: told[3] for code, told in TELLING.items()}
    rows = first.with_columns(
        owner=pl.col("code").replace_strict(owners),
        expected=pl.col("code").replace_strict(expected),
        found=pl.concat_str(pl.col("code").replace_strict(words), pl.col("about").fill_null("")),
        cure=pl.col("code").replace_strict(cures),
        first_on="event_on",
    )
    return _with_event(connection, rows).select(pl.col(name).cast(kind) for name, kind in TASK.items())


def _with_event(connection: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Name the first unfinished event of the benefit record, dated by then, if there is one."""
    events = load_events(connection, rows.select("client_id", "person_id").unique())
    alive = [str(EventStatus.OPEN), str(EventStatus.CLOSED)]
    waiting = events.filter(
        pl.col("event_status").is_in(alive) & ~pl.col("process_status").is_in(FINAL).fill_null(value=False)
    )
    named = waiting.select(
        *RECORD,
        on="event_on",
        under_way=pl.format(
            "event {} of {} ({})",
            "event_number",
            pl.col("event_on").dt.to_string(),
            pl.col("process_status").fill_null("not processed yet"),
        ),
    ).sort("on")
    numbered = rows.with_row_index("row")
    pairs = numbered.select("row", *RECORD, "first_on").join(named, on=list(RECORD))
    met = pairs.filter(pl.col("on") <= pl.col("first_on")).unique("row", keep="first", maintain_order=True)
    return numbered.join(met.select("row", "under_way"), on="row", how="left").drop("row")
