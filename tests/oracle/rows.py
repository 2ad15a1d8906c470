"""Set-up as rows: whose row comes first, which one holds on a day; and exact money."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

Row = dict[str, Any]
Number = Decimal | int | str

EVENT_ROW_DEFAULTS: Row = {
    "event_class": "",
    "select": "all",
    "use_history": False,
    "ignore": False,
    "default": "current_else_none",
    "waiting_months": 0,
    "waiting_days": 0,
    "coverage_begins": "event_date",
    "deduction_begins": "with_coverage",
    "coverage_ends": "end_of_month",
    "deduction_ends": "with_coverage",
    "ends_day": None,
    "level_limit": 0,
    "waived_level_limit": 0,
    "proof_from_level": None,
    "proof_above": None,
    "waived_proof_from_level": None,
    "waived_proof_above": None,
    "proof_rise": 0,
    "reinstate_within_days": 0,
    "retier": False,
    "persons": {},
    "election_required": False,
    "pledge_change": "any",
    "ignore_dependent_checks": False,
    "ignore_fund_checks": False,
}


class Fault(Exception):
    """Something stands in the way of a price or an amount: the code of the message that says what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Setup:
    """The PEO's bundle and one client's, as the documents are written."""

    peo: Row
    client: Row

    def rows(self, section: str, code: str) -> list[Row]:
        """List the rows of a code: the client's own, else the PEO's."""
        own = [row for row in self.client.get(section) or [] if row["code"] == code]
        found = own or [row for row in self.peo.get(section) or [] if row["code"] == code]
        return [_without_inactive(row) for row in found] if section == "programs" else found

    def row(self, section: str, code: str | None) -> Row | None:
        """Find the row of a code without dates."""
        found = self.rows(section, code) if code else []
        return found[0] if found else None

    def row_on(self, section: str, code: str | None, day: date) -> Row | None:
        """Find the row that holds on a day: the last one from that day or earlier."""
        holding = None
        for row in self.rows(section, code) if code else []:
            if row["from"] <= day and (holding is None or row["from"] > holding["from"]):
                holding = row
        is_off = holding is not None and not holding.get("active", True) and section != "programs"
        return None if is_off else holding

    def zips(self, geography: str | None) -> dict[str, str]:
        """Map the zips of a geography to their areas; `10001-10010` is a range, both ends in it."""
        found = {}
        for zips, area in ((self.row("geographies", geography) or {}).get("zips") or {}).items():
            low, _, high = zips.partition("-")
            found |= {f"{number:05}": area for number in range(int(low), int(high or low) + 1)}
        return found

    def event_class(self, code: str) -> Row:
        return self.row("event_classes", code) or {}

    def event_row(self, event_rule: str | None, event_class: str, day: date) -> Row | None:
        """Find the event rule row of a class, else the blank one."""
        rule = self.row_on("event_rules", event_rule, day)
        for wanted in (event_class, ""):
            for row in rule["classes"] if rule else []:
                if row.get("event_class", "") == wanted:
                    return {**EVENT_ROW_DEFAULTS, **row}
        return None

    def programs_on(self, day: date) -> list[Row]:
        """List the programs of the client as they stand on a day, each once."""
        codes = dict.fromkeys(row["code"] for row in self.client["programs"])
        holding = [self.row_on("programs", code, day) for code in codes]
        return [row for row in holding if row is not None]

    def pay_group(self, person: Row) -> Row | None:
        """Find the active pay group of a person's job."""
        job = person.get("job") or {}
        group = self.row("pay_groups", job.get("pay_group"))
        return group if group and group.get("active", True) else None


def _without_inactive(program: Row) -> Row:
    """Leave out the plan types, and their options, that a program row switches off."""
    kept = [section for section in program["plan_types"] if section.get("active", True)]
    sections = [
        {**section, "options": [one for one in section["options"] if one.get("active", True)]}
        for section in kept
    ]
    return {**program, "plan_types": sections}


def plan_type_of(program: Row | None, plan_type: str) -> Row | None:
    for section in program["plan_types"] if program else []:
        if section["plan_type"] == plan_type:
            return section
    return None


def options_of(section: Row) -> list[Row]:
    """Write out the options of a plan type, one for each coverage code, in display order."""
    written_out = []
    for part in section["options"]:
        coverage_codes = part.get("coverage_codes") or []
        for step, coverage_code in enumerate(coverage_codes):
            written_out.append(
                {
                    **part,
                    "code": f"{part['code']}-{coverage_code}",
                    "coverage_code": coverage_code,
                    "level": part.get("level", 1) + step,
                    "is_default": part.get("default", False) == coverage_code,
                }
            )
        if not coverage_codes:
            written_out.append(
                {
                    **part,
                    "coverage_code": None,
                    "level": part.get("level", 1),
                    "is_default": part.get("default", False) is True,
                }
            )
    return written_out


def option_of(section: Row | None, code: str) -> Row | None:
    for option in options_of(section) if section else []:
        if option["code"] == code:
            return option
    return None


def decimal(number: Number) -> Decimal:
    return Decimal(str(number))


def cents(dollars: Number) -> int:
    return int(decimal(dollars) * 100)


def cents_or_none(dollars: Number | None) -> int | None:
    return None if dollars is None else cents(dollars)


def half_away(numerator: Number, divisor: Number) -> int:
    """Divide and round to a whole number, a half away from zero."""
    with localcontext() as context:
        context.prec = 80
        quotient = decimal(numerator) / decimal(divisor)
        return int(quotient.to_integral_value(rounding=ROUND_HALF_UP))


def floor_to_multiple(amount: int, multiple: int) -> int:
    return int((Decimal(amount) / multiple).to_integral_value(rounding=ROUND_FLOOR)) * multiple


def percent_of(amount: int, percent: Number) -> int:
    return half_away(amount * decimal(percent), 100)


def share(total: int, number: int, shares: int) -> int:
    """Find one share of a total, cumulatively rounded: the shares sum to the total."""
    return half_away(total * number, shares) - half_away(total * (number - 1), shares)
