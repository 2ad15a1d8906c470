"""What is to be seen of a person, as plain records with the names and units of the story."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl

from openbenefits.core.codes import ChangeKind
from openbenefits.core.messages import CATALOGUE
from openbenefits.enrollment.basis import load_spans
from openbenefits.enrollment.continuing import load_continued
from openbenefits.payroll.services import owed
from openbenefits.runs.ahead import coverage_ahead
from openbenefits.scenarios import frames
from openbenefits.scenarios.cast import Cast
from openbenefits.scenarios.databases import CLIENT_ID
from openbenefits.scenarios.frames import Row, rows_of

KINDS = {
    ChangeKind.ELECTED: "elected",
    ChangeKind.DEFAULTED: "defaulted",
    ChangeKind.WAIVED: "waived",
    ChangeKind.TERMINATED: "terminated",
    ChangeKind.NEVER_ENROLLED: "never enrolled",
    ChangeKind.INELIGIBLE: "ineligible",
}
MONTHS = 12


def dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / 100


def events_of(connection: Any, cast: Cast, person_id: int) -> list[Row]:
    """List a person's events by date and priority, each with its messages and the statuses it passed."""
    keys = {"client": CLIENT_ID, "person": person_id}
    messages = rows_of(connection, frames.MESSAGES, keys)
    steps = rows_of(connection, frames.STEPS, keys)
    return [
        _event(cast, row, _of_event(messages, row), _of_event(steps, row))
        for row in rows_of(connection, frames.EVENTS, keys)
    ]


def _of_event(rows: list[Row], event: Row) -> list[Row]:
    names = ("schedule_id", "event_number")
    return [row for row in rows if all(row[name] == event[name] for name in names)]


def _event(cast: Cast, row: Row, messages: list[Row], steps: list[Row]) -> Row:
    return row | {
        "event_class": cast.names.code(row["event_class_id"]),
        "dated": row["event_on"],
        "status": row["process_status"],
        "program": cast.names.code(row["program_id"]),
        "messages": sorted({message["code"] for message in messages}),
        "sentences": [_sentence(cast, message) for message in messages],
        "passed": [step["to_status"] for step in steps],
        "window_ends": row["window_ends_on"],
        "facts_changed": row["is_eligibility_changed"],
        "out_of_sequence": row["is_out_of_sequence"],
        "merged": row["is_multi_activity"],
    }


def _sentence(cast: Cast, message: Row) -> str:
    """Say a message in one line, with what it is about."""
    about = [message["plan_type"], cast.names.option_code(message["option_id"])]
    place = " ".join(part for part in about if part)
    title = CATALOGUE[message["code"]].title if message["code"] in CATALOGUE else "?"
    return (
        f"{message['code']} {title}{f' ({place})' if place else ''}: "
        f"expected {message['expected']}, found {message['found']}"
    )


def basis_of(connection: Any, person_id: int, plan_type: str, day: date) -> str | None:
    """Answer what a person's day rests on in a plan type; None where nothing is covered."""
    spans = load_spans(connection, _person(person_id))
    on_day = (pl.col("span_from") <= day) & (pl.col("span_until") > day)
    found = spans.filter(on_day, plan_type=plan_type)["basis"].to_list()
    continued = load_continued(connection, _person(person_id)).filter(on_day, plan_type=plan_type)
    found += continued.filter(dependent_id=0)["basis"].to_list()
    return found[0] if found else None


def tasks_of(connection: Any, person_id: int, on: date) -> list[tuple[str, str, date]]:
    """List what a person is covered by and may not be, from a day through the end of the next year."""
    through = date(on.year + 1, 12, 31)
    tasks = coverage_ahead(connection, [CLIENT_ID], as_of=on, through=through)
    rows = tasks.filter(person_id=person_id).select("plan_type", "code", "first_on").unique()
    return sorted(rows.rows())


def _person(person_id: int) -> pl.DataFrame:
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    return pl.DataFrame([(CLIENT_ID, person_id)], schema=schema, orient="row")


def plans_of(connection: Any, cast: Cast, person_id: int, event: Row) -> dict[str, Row]:
    """Answer the plan types of an event's last preparation."""
    options = rows_of(connection, frames.OPTIONS, _event_keys(person_id, event))
    rows = rows_of(connection, frames.PLANS, _event_keys(person_id, event))
    return {row["plan_type"]: _plan(cast, row, options) for row in rows if not row["is_ignored"]}


def _event_keys(person_id: int, event: Row) -> dict[str, Any]:
    return {
        "client": CLIENT_ID,
        "person": person_id,
        "record": event["benefit_record"],
        "schedule": event["schedule_id"],
        "number": event["event_number"],
        "preparation": event["preparation"],
    }


def _plan(cast: Cast, row: Row, options: list[Row]) -> Row:
    offered = [one for one in options if one["plan_type"] == row["plan_type"] and one["is_electable"]]
    return {
        "coverage_begins": row["coverage_begins_on"],
        "deduction_begins": row["deduction_begins_on"],
        "coverage_ends": row["coverage_ends_on"],
        "deduction_ends": row["deduction_ends_on"],
        "current": cast.names.option_code(row["current_option_id"]),
        "default": cast.names.option_code(row["default_option_id"]),
        "choice": row["is_choice"],
        "lost": row["is_lost"],
        "offered": sorted(cast.names.option_code(one["option_id"]) or "" for one in offered),
    }


def options_of(connection: Any, cast: Cast, person_id: int, event: Row) -> dict[str, Row]:
    """Answer the options of an event's last preparation, by `plan type/code`."""
    rows = rows_of(connection, frames.OPTIONS, _event_keys(person_id, event))
    return {f"{row['plan_type']}/{cast.names.option_code(row['option_id'])}": _option(row) for row in rows}


def _option(row: Row) -> Row:
    before, after = row["annual_before_tax_cents"], row["annual_after_tax_cents"]
    year = _total(before, after)
    return {
        "offered": row["is_electable"],
        "because": None if row["is_electable"] else "not electable",
        "per_pay": dollars(_total(row["pay_before_tax_cents"], row["pay_after_tax_cents"])),
        "per_month": _month(year),
        "per_year": dollars(year),
        "employer_per_month": _month(row["annual_employer_cents"]),
        "credit_per_pay": dollars(row["pay_credit_cents"]),
        "credit_per_year": dollars(row["annual_credit_cents"]),
        "tax": "before" if before else "after" if after else None,
        "coverage": dollars(row["coverage_cents"]),
        "billed_coverage": dollars(row["approved_coverage_cents"]),
        "proof": row["is_proof_required"],
        "default": row["is_default"],
        "current": row["is_current"],
    }


def _total(before: int | None, after: int | None) -> int | None:
    return None if before is None and after is None else (before or 0) + (after or 0)


def _month(annual: int | None) -> Decimal | None:
    """A twelfth of the year, rounded to the cent (docs/rules.md §7.2): of a monthly rate the month itself."""
    return None if annual is None else Decimal((2 * annual + MONTHS) // (2 * MONTHS)) / 100


NOT_ELIGIBLE: Row = {
    "offered": False,
    "because": "not eligible",
    **dict.fromkeys(("per_pay", "per_month", "per_year", "employer_per_month", "credit_per_pay")),
    **dict.fromkeys(("credit_per_year", "tax", "coverage", "billed_coverage")),
    "proof": False,
    "default": False,
    "current": False,
}
"""An option of the set-up that an event does not hold."""


def coverage_of(connection: Any, cast: Cast, person_id: int) -> dict[str, list[Row]]:
    """Answer, per plan type, what holds from when through when, in order."""
    keys = {"client": CLIENT_ID, "person": person_id}
    names = cast.dependent_names()
    members = rows_of(connection, frames.COVERED, keys)
    funds = rows_of(connection, frames.FUNDS, keys)
    found: dict[str, list[Row]] = {}
    for row in rows_of(connection, frames.COVERAGE, keys):
        covered = [names.get(one["dependent_id"], "?") for one in members if _is_same_point(one, row)]
        invested = {one["fund"]: one["percent"] for one in funds if _is_same_point(one, row)}
        found.setdefault(row["plan_type"], []).append(_period(cast, row, sorted(covered), invested))
    for periods in found.values():
        for period, following in pairwise(periods):
            period["through"] = following["begins"] - timedelta(days=1)
    return found


def _is_same_point(one: Row, point: Row) -> bool:
    return all(one[name] == point[name] for name in ("plan_type", "begins_on", "version"))


def _period(cast: Cast, row: Row, dependents: list[str], funds: Mapping[str, int]) -> Row:
    percent = row["percent_thousandths"]
    return {
        "begins": row["begins_on"],
        "through": None,
        "kind": KINDS[row["kind"]],
        "option": cast.names.option_code(row["option_id"]),
        "deduction_begins": row["deduction_begins_on"],
        "dependents": dependents,
        "amount": dollars(row["coverage_cents"]),
        "asked_amount": dollars(row["requested_coverage_cents"]),
        "pledge": dollars(row["pledge_cents"]),
        "percent": None if percent is None else Decimal(percent) / 1000,
        "funds": dict(funds),
        "rule": row["rule"],
    }


def deductions_of(connection: Any, person_id: int, year: int) -> list[Row]:
    """List what is owed in the pay periods that end in a year: deductions and credits."""
    begin, through = date(year, 1, 1), date(year, 12, 31)
    lines = owed(connection, CLIENT_ID, begin=begin, through=through, person_ids=[person_id])
    wanted = lines.select("plan_type", "kind", "ends_on", "tax_class", "owed_cents", "fault")
    return wanted.sort("plan_type", "ends_on").to_dicts()


def summary_of(lines: list[Row]) -> Row:
    """Say of one plan type's lines what a story compares: first, last, how many, how much."""
    due = [line for line in lines if line["owed_cents"] != 0]
    amounts: dict[date, Decimal] = {}
    for line in due:
        amount = dollars(line["owed_cents"])
        if amount is not None:
            amounts[line["ends_on"]] = amounts.get(line["ends_on"], Decimal(0)) + amount
    each = sorted(set(amounts.values()))
    taxes = sorted({"before" if line["tax_class"] == "B" else "after" for line in due if line["tax_class"]})
    return {
        "first_period_ends": min(amounts, default=None),
        "last_period_ends": max(amounts, default=None),
        "periods": len(amounts),
        "each": each[0] if len(each) == 1 else each,
        "total": sum(amounts.values(), Decimal(0)),
        "tax": taxes[0] if len(taxes) == 1 else taxes,
        "amounts": amounts,
        "faults": sorted({line["fault"] for line in lines if line["fault"]}),
    }


def outcome_of(connection: Any, run_id: int, person_id: int) -> str | None:
    """Answer what a run says became of a person."""
    keys = {"client": CLIENT_ID, "run": run_id, "person": person_id}
    found = rows_of(connection, frames.OUTCOME, keys)
    return "; ".join(row["outcome"] or "not reached" for row in found) or None
