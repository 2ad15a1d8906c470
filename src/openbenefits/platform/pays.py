"""What posted pays took, from vouchers into the payroll ledger: the same file service, so the same checks."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from openbenefits.payroll.taken import TakenResult, take
from openbenefits.platform import here as ours
from openbenefits.platform.client.session import Session
from openbenefits.platform.connecting import Known, external_ids
from openbenefits.platform.here import Here, here_of
from openbenefits.platform.looking import read_vouchers, taken_lines
from openbenefits.workforce.models import Person

HEADINGS = ("employee_number", "plan_type", "tax_class", "pay_group", "ends_on", "taken")
READABLE = ("POSTCOMP", "WT.PEND", "PRINT", "PRINTFAIL", "PRINTCOMP", "COMP")
"""Statuses of a batch that is posted: what its vouchers say holds."""


@dataclass(frozen=True, kw_only=True)
class PaysTaken:
    """What came of vouchers: the ledger's own result, and what could not be placed, in words."""

    result: TakenResult | None
    unplaced: list[str]


def take_pays(
    connection: Any, session: Session, known: Known, *, begin: date, through: date, author: str, now: datetime
) -> PaysTaken:
    """Take what posted pays of a span of checks took; the same vouchers again change nothing.

    Only codes that are ours are taken in; what else payroll takes is not ours. A pay is taken when all its
    batches are posted, and all its lines can be placed; what cannot be is named.
    """
    client_id = known.link.client_id
    here = here_of(connection, client_id, through)
    posted = _posted(session, known, begin, through)
    lines = [
        line
        for one in read_vouchers(session, known, begin, through)
        for line in taken_lines(one)
        if (line["pay_group"], _iso(line["ends_on"])) in posted
    ]
    rows, unplaced = _rows(here, lines)
    if not rows:
        return PaysTaken(result=None, unplaced=unplaced)
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = Path(folder) / f"vouchers-{begin}-{through}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADINGS)
            writer.writerows(rows)
        result = take(connection, client_id, path, now=now, made_by=author)
    return PaysTaken(result=result, unplaced=unplaced)


def _posted(session: Session, known: Known, begin: date, through: date) -> set[tuple[str, str]]:
    """Name the pays of which every batch is posted: pay group and last day."""
    batches = session.rows(
        "getBatchListByDate",
        clientId=known.link.external_id,
        startDate=begin.isoformat(),
        endDate=through.isoformat(),
        dateType="PAY",
    )
    states: dict[tuple[str, str], set[bool]] = {}
    for one in batches:
        for group in one.get("payGroup") or ():
            place = (str(group.get("payGroupId")), str(group.get("payPeriodEndDate"))[:10])
            states.setdefault(place, set()).add(str(one.get("batchStatus")) in READABLE)
    return {place for place, posted in states.items() if posted == {True}}


def _rows(here: Here, lines: Iterable[Mapping[str, Any]]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Add up lines by person, plan type, tax class and pay, and name those that cannot be placed."""
    people = {there: person for person, there in external_ids(here.client_id).items()}
    numbers = dict(Person.objects.filter(client_id=here.client_id).values_list("id", "employee_number"))
    by_plan, by_code = _places(here)
    sums: dict[tuple[str, ...], int] = {}
    unplaced: dict[str, int] = {}
    in_doubt: set[tuple[str, str]] = set()
    for line in lines:
        if line["code"] not in by_code and line["plan"] not in by_plan:
            continue  # a garnishment, a loan: not ours
        pay_group = here.names.ours("pay_group", line["pay_group"])
        place = by_plan.get(line["plan"]) or _only(by_code.get(line["code"], set()))
        person = people.get(line["employee"])
        if place is None or person is None:
            words = (
                f"code {line['code']}: expected a plan that tells its plan type, found none"
                if place is None
                else "an employee there whom nobody knows here; say who he is"
            )
            unplaced[words] = unplaced.get(words, 0) + 1
            in_doubt.add((pay_group, _iso(line["ends_on"])))
            continue
        key = (numbers[person], *place, pay_group, _iso(line["ends_on"]))
        sums[key] = sums.get(key, 0) + int(line["cents"])
    told = [f"{words} ({count} lines)" for words, count in sorted(unplaced.items())]
    whole = {key: cents for key, cents in sums.items() if key[-2:] not in in_doubt}
    return [(*key, _dollars(cents)) for key, cents in sorted(whole.items())], told


def _places(here: Here) -> tuple[dict[str, tuple[str, str]], dict[str, set[tuple[str, str]]]]:
    """Answer plan type and tax class by plan there, and the possible ones by deduction code there."""
    by_plan: dict[str, tuple[str, str]] = {}
    by_code: dict[str, set[tuple[str, str]]] = {}
    rows = ours.offered(here).select("plan", "plan_type", "tax_class", "deduction_code")
    for plan, plan_type, tax_class, code in rows.unique(maintain_order=True).iter_rows():
        place = (plan_type, tax_class or "A")
        by_plan[plan] = place
        if code:
            by_code.setdefault(code, set()).add(place)
    return by_plan, by_code


def _only(places: set[tuple[str, str]]) -> tuple[str, str] | None:
    return next(iter(places)) if len(places) == 1 else None


def _dollars(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _iso(day: Any) -> str:
    return day.isoformat() if isinstance(day, date) else ""
