"""What a payroll platform billed a client, from the vouchers of a month, as a bill to be reconciled."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from openbenefits.platform.client.values import cents, text
from openbenefits.platform.connecting import external_ids
from openbenefits.platform.exchange import Work, vouchers_of
from openbenefits.platform.naming import Names, names_of
from openbenefits.reconcile.loading import InvoiceOrder, InvoiceRefused, load
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.states import Kind
from openbenefits.workforce.models import Person

BILLS = "Client billing"
"""The name under which terms of bills to clients are kept, unless another is said."""
HEADINGS = ("Employee number", "Plan", "Month", "Billed", "Employer share")
_LONGEST_MONTH = timedelta(days=31)

Line = tuple[str, str, str]
"""Employee as he is called there, plan as we call it, coverage month as printed (YYYYMM)."""


def bill_from_platform(work: Work, month: date, *, carrier: str = BILLS) -> Invoice:
    """Take in what the vouchers of the checks of a month billed; vouchers voided cancel out.

    Whom nobody knows here keeps the number he has there, and is asked about. A coverage month before is a
    correction of it.

    Errors: InvoiceRefused where no voucher bills a benefit, or the bill was taken in before; NotLinked, Busy,
            those of `platform.client.faults`.
    """
    begin = month.replace(day=1)
    through = (begin + _LONGEST_MONTH).replace(day=1) - timedelta(days=1)
    client_id = work.client_id
    sums = billed_lines(vouchers_of(work, begin, through), names_of(client_id))
    if not sums:
        raise InvoiceRefused(
            f"payroll of {begin:%Y-%m}: expected vouchers that bill benefits, found none; choose another"
            " month, or load the bill from a file"
        )
    people = {there: person for person, there in external_ids(client_id).items()}
    numbers = dict(Person.objects.filter(client_id=client_id).values_list("pk", "employee_number"))
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = Path(folder) / f"billed-{begin:%Y-%m}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADINGS)
            for (employee, plan, period), (billed, employer) in sorted(sums.items()):
                number = numbers.get(people.get(employee, 0), employee)
                writer.writerow((number, plan, period, _dollars(billed), _dollars(employer)))
        order = InvoiceOrder(
            client_id=client_id,
            carrier=carrier,
            number=f"payroll {begin:%Y-%m}",
            month=begin,
            statement_on=through,
            path=path,
            kind=str(Kind.BILLING),
        )
        return load(work.connection, order, author=work.author, now=work.clock())


def billed_lines(vouchers: Iterable[Mapping[str, Any]], names: Names) -> dict[Line, tuple[int, int | None]]:
    """Add up what vouchers billed, and the employer's part, by employee, plan and coverage month; cents.

    Missing: the employer's part is None where one of the lines does not say it: then it is not compared.
    """
    sums: dict[Line, tuple[int, int | None]] = {}
    for line, billed, employer in _lines(vouchers, names):
        before, share = sums.get(line, (0, 0))
        sums[line] = (before + billed, None if share is None or employer is None else share + employer)
    return sums


def _lines(vouchers: Iterable[Mapping[str, Any]], names: Names) -> Iterator[tuple[Line, int, int | None]]:
    """List what vouchers bill; what they do not bill (no premium) is no line."""
    for voucher in vouchers:
        for benefit in voucher.get("benefit") or ():
            billed, employer = (cents(benefit.get(name)) for name in ("premiumAmt", "empContrib"))
            if billed or employer:
                plan = names.ours("plan", text(benefit.get("planId")))
                place = (text(voucher.get("employeeId")), plan, text(benefit.get("coveragePeriod")))
                yield place, billed or 0, employer


def _dollars(amount: int | None) -> str:
    if amount is None:
        return ""
    whole, rest = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:02d}"
