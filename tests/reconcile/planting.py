"""An invoice with forty faults of all kinds, planted into what is expected.

Which ones, and what each should be called.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.reconcile.rules.premiums import variant_premiums, variants_of

from .conftest import BEFORE, MONTH, NOW, Book, end, put_point

AFTER_CUTOFF = datetime(2025, 11, 4, 12, tzinfo=NOW.tzinfo)


@dataclass
class Planted:
    """What was planted: the invoice of the month before, that of the month.

    And each fault's code by its place.
    """

    before: pl.DataFrame
    lines: pl.DataFrame
    codes: dict[tuple[int | None, str, date], str] = field(default_factory=dict)
    timing: set[tuple[int | None, str, date]] = field(default_factory=set)


class Planter:
    """Takes lines of the book one by one, each person once, and spoils them."""

    def __init__(self, book: Book, spare: set[int]) -> None:
        self.book, self.held = book, book.held.with_row_index("at")
        self.lines = book.lines().with_columns(at=pl.int_range(pl.len(), dtype=pl.UInt32))
        self.used: set[int] = set(spare)
        self.codes: dict[tuple[int | None, str, date], str] = {}
        self.gone: list[int] = []
        self.more: list[dict[str, Any]] = []

    def take(self, *, where: pl.Expr, code: str | None = None) -> dict[str, Any]:
        """Take the first line that fits, of somebody not yet used."""
        fits = self.held.filter(where & ~pl.col("person_id").is_in(list(self.used)))
        row = fits.row(0, named=True)
        self.used.add(row["person_id"])
        if code is not None:
            self.codes[row["person_id"], row["plan"], MONTH] = code
        return row

    def change(self, row: dict[str, Any], **new: Any) -> None:
        """Print something else on a line."""
        at = pl.col("at") == row["at"]
        self.lines = self.lines.with_columns(
            pl.when(at).then(pl.lit(value, self.lines.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in new.items()
        )

    def add(self, row: dict[str, Any], **new: Any) -> None:
        """Print one more line like another."""
        self.more.append({**self.lines.row(row["at"], named=True), **new})

    def done(self) -> pl.DataFrame:
        rows = self.lines.filter(~pl.col("at").is_in(self.gone))
        extra = pl.DataFrame(self.more, schema=self.lines.schema)
        return pl.concat([rows, extra]).drop("at")


def is_plan(*words: str) -> pl.Expr:
    return pl.any_horizontal(pl.col("plan").str.contains(word, literal=True) for word in words)


def spoiled_coverage(connection: Any, book: Book) -> dict[str, list[dict[str, Any]]]:
    """End, waive and continue some coverage before the invoices are made; answers the units of each."""
    units = book.expected.units.join(book.expected.plans.select("plan_id", "plan"), on="plan_id")
    vision = units.filter(is_plan("SAMPLE-VISION")).sort("person_id")
    dental = units.filter(pl.col("plan_type") == "11").sort("person_id")
    picked: dict[str, list[dict[str, Any]]] = {}

    def pick(name: str, frame: pl.DataFrame, start: int, count: int) -> pl.DataFrame:
        rows = frame.slice(start, count)
        picked[name] = list(rows.iter_rows(named=True))
        return rows

    end(pick("ended", vision, 0, 3), date(2025, 9, 30))
    end(pick("ended late", vision, 3, 1), date(2025, 10, 31), known=AFTER_CUTOFF)
    end(pick("washed", vision, 4, 1), date(2025, 11, 10))
    end(pick("part", vision, 5, 1), date(2025, 11, 20))
    end(pick("retro", vision, 6, 2), date(2025, 9, 30))
    end(pick("retro amount", vision, 8, 1), date(2025, 9, 30))
    for row in pick("continues", dental, 20, 2).iter_rows(named=True):
        put_point(row, date(2025, 10, 1), kind="E", basis="continuation")
    picked["waived"] = _waived(book)
    return picked


def _waived(book: Book) -> list[dict[str, Any]]:
    rows = book.expected.history.filter((pl.col("kind") == "W") & (pl.col("plan_type") == "14"))
    return list(rows.sort("person_id").head(2).iter_rows(named=True))


def plant(book: Book, before: pl.DataFrame, spoiled: dict[str, list[dict[str, Any]]]) -> Planted:
    """Plant forty faults. `before` are the faultless lines of the month before."""
    spare = {row["person_id"] for rows in spoiled.values() for row in rows}
    p = Planter(book, spare)
    vision = is_plan("SAMPLE-VISION")
    price = dict(book.held.filter(vision).select("tier", "premium_cents").unique().iter_rows())
    line = _like(p, vision)
    for row in spoiled["ended"][:3]:  # 1-3: ended in September, still billed
        _bill(p, line, row, "INV_TERMED_BILLED")
    for row in spoiled["ended late"]:  # 4: the carrier could not know
        _bill(p, line, row, "INV_TERMED_BILLED")
    for row in spoiled["washed"]:  # 5: ends on the 10th, not charged by the rule of the 15th
        _bill(p, line, row, "INV_EFF_DATE")
    for row in spoiled["part"]:  # 6: ends on the 20th: the full month, billed by days
        at = p.held.filter((pl.col("person_id") == row["person_id"]) & vision).row(0, named=True)
        cents = (at["premium_cents"] * 20 * 2 + 30) // 60
        p.change(at, premium_cents=cents)
        p.codes[row["person_id"], at["plan"], MONTH] = "INV_PRORATION"
    for row in spoiled["waived"]:  # 7, 8
        _bill(p, line, row, "INV_WAIVED_BILLED")
    for row in spoiled["continues"]:  # 9, 10: pay the carrier themselves
        _bill(p, line | {"plan": row["plan"]}, row, "COBRA_ON_ACTIVE", cents=2300)
    _amounts(p, vision, price)  # 11-31
    _strangers(p, line)  # 32-35
    planted = Planted(before=_before(p, before, spoiled), lines=p.done(), codes=p.codes)
    _retro(p, planted, line, spoiled)  # 36-40
    planted.lines = p.done()
    planted.timing = {(row["person_id"], "SAMPLE-VISION", MONTH) for row in spoiled["ended late"]}
    return planted


def _amounts(p: Planter, vision: pl.Expr, price: dict[str, int]) -> None:
    """Lines left out, printed twice, under another plan, tier, volume, age or area, at another rate."""
    for _ in range(3):  # 11-13
        p.gone.append(p.take(where=vision, code="INV_MISSING")["at"])
    for tier, other in (("EE ONLY", "FAM"), ("FAM", "EE+SP"), ("EE ONLY", "EE+SP")):  # 14-16
        row = p.take(where=vision & (pl.col("tier") == tier), code="INV_TIER")
        p.change(row, tier=other, premium_cents=price[other])
    for _ in range(2):  # 17, 18: twice, once under another number
        row = p.take(where=vision, code="INV_DUPLICATE")
        p.add(row, member_id=f"X{row['person_id']}")
    for _ in range(2):  # 19, 20: HDHP in place of what was chosen
        row = p.take(where=(pl.col("plan_type") == "10") & ~is_plan("SAMPLE-HDHP"), code="INV_WRONG_PLAN")
        p.change(row, plan="SAMPLE-HDHP", premium_cents=41250)
    for factor in (103, 91):  # 21, 22
        row = p.take(where=is_plan("SAMPLE-HDHP"), code="INV_RATE")
        p.change(row, premium_cents=row["premium_cents"] * factor // 100)
    row = p.take(where=is_plan("SAMPLE-HDHP") & (pl.col("tier") == "EE ONLY"), code="INV_RATE")
    p.change(row, premium_cents=43820)  # 23: the rate of next year
    for factor in (2, 3):  # 24, 25
        row = p.take(where=is_plan("SAMPLE-SUPP-LIFE"), code="INV_VOLUME")
        p.change(row, volume_cents=row["volume_cents"] * factor, premium_cents=row["premium_cents"] * factor)
    _mispriced(p, "INV_AGE_BAND", is_plan("SAMPLE-SUPP-LIFE"), "10 years older", shown_age=10)  # 26
    _mispriced(p, "INV_AGE_BAND", is_plan("42690MA"), "5 years older")  # 27
    _mispriced(p, "INV_AREA", is_plan("41304MA", "42690MA") & (pl.col("dependents") > 0), "area")  # 28
    for more, code in ((-1, "DEP_MISSING"), (1, "DEP_EXTRA"), (1, "DEP_EXTRA")):  # 29-31
        row = p.take(where=is_plan("42690MA") & (pl.col("dependents") > 1), code=code)
        p.change(row, dependents=row["dependents"] + more, premium_cents=row["premium_cents"] + more * 21000)


def _like(p: Planter, where: pl.Expr) -> dict[str, Any]:
    return p.lines.filter(where & (pl.col("tier") == "EE ONLY")).row(0, named=True)


def _bill(
    p: Planter, line: dict[str, Any], unit: dict[str, Any], code: str | None, cents: int = 680, **more: Any
) -> None:
    """Bill somebody who is not expected, with what his other lines say of him."""
    own = p.lines.filter(pl.col("person_id") == unit["person_id"]).row(0, named=True)
    told = {name: own[name] for name in ("client", "person_id", "employee_number", "last_name", "first_name")}
    told |= {name: own[name] for name in ("birth_on", "ssn", "member_id", "age")}
    p.more.append(line | told | {"premium_cents": cents} | more)
    if code is not None:
        p.codes[unit["person_id"], line["plan"], MONTH] = code


def _mispriced(p: Planter, code: str, where: pl.Expr, told: str, shown_age: int = 0) -> None:
    """Bill the price of something else that is so: another age, another area."""
    found = p.book.expected
    for row in p.held.filter(where & ~pl.col("person_id").is_in(list(p.used))).iter_rows(named=True):
        units = found.units.filter(unit=row["unit"])
        prices = variant_premiums(
            variants_of(units, found.known, found.rulebook), found.known, found.rulebook
        )
        mine = prices.filter((pl.col("cause") == code) & pl.col("told").str.contains(told))
        other = mine.filter(pl.col("full_cents") != row["premium_cents"]).drop_nulls("full_cents")
        rivals = prices.filter(pl.col("cause") != code)["full_cents"].to_list()
        other = other.filter(~pl.col("full_cents").is_in(rivals))
        if other.height:
            p.used.add(row["person_id"])
            p.codes[row["person_id"], row["plan"], MONTH] = code
            p.change(
                row, premium_cents=other["full_cents"][0], age=row["age"] + shown_age if shown_age else None
            )
            return
    raise AssertionError(f"nobody fits {code}")


def _strangers(p: Planter, line: dict[str, Any]) -> None:
    """Bill a stranger, an unknown division, and two people under names that are not quite theirs."""
    nobody = {
        "person_id": 900_001,
        "last_name": "Quimby",
        "first_name": "Zelda",
        "birth_on": date(1961, 5, 4),
    }
    nobody |= {"ssn": None, "employee_number": None, "member_id": "Z1"}
    p.more.append(line | nobody)
    p.codes[None, "Z1", MONTH] = "UNMATCHED_PERSON"
    p.more.append(line | nobody | {"client": "nowhere", "member_id": "Z2", "last_name": "Ostrander"})
    p.codes[None, "Z2", MONTH] = "INV_UNALLOCATED"
    for change in ({"letter": True}, {"day": True}):
        where = is_plan("SAMPLE-BASIC-LIFE") & (pl.col("last_name").str.len_chars() > 6)
        row = p.take(where=where & _is_alone(p))
        name = row["last_name"] if "day" in change else row["last_name"][:-1] + "h"
        born = (
            row["birth_on"].replace(day=row["birth_on"].day % 28 + 1) if "day" in change else row["birth_on"]
        )
        p.change(
            row,
            last_name=name,
            birth_on=born,
            ssn=None,
            employee_number=None,
            member_id=f"Y{row['person_id']}",
        )
        p.codes[row["person_id"], row["plan"], MONTH] = "UNMATCHED_PERSON"
        kind = pl.col("person_id") == row["person_id"]
        own = pl.col("at") == row["at"]
        p.lines = p.lines.with_columns(person_id=pl.when(kind & own).then(900_003).otherwise("person_id"))


def _is_alone(p: Planter) -> pl.Expr:
    """Whether somebody has one line, and a name nobody else's is like."""
    return pl.col("last_name").n_unique().over("last_name", "client") == 1


def _before(p: Planter, before: pl.DataFrame, spoiled: dict[str, list[dict[str, Any]]]) -> pl.DataFrame:
    """The invoice of the month before bills three people whose coverage had ended, and misses one."""
    line = _like(p, is_plan("SAMPLE-VISION"))
    rows = []
    for row in (*spoiled["retro"], *spoiled["retro amount"]):
        own = p.lines.filter(pl.col("person_id") == row["person_id"]).row(0, named=True)
        names = ("client", "person_id", "employee_number", "last_name", "first_name", "birth_on", "ssn")
        told = {name: own[name] for name in (*names, "member_id", "age")}
        rows.append(line | told | {"month": BEFORE, "premium_cents": 680})
    extra = pl.DataFrame(rows, schema=p.lines.schema).select(before.columns)
    return pl.concat([before, extra])


def _retro(
    p: Planter, planted: Planted, line: dict[str, Any], spoiled: dict[str, list[dict[str, Any]]]
) -> None:
    """Credit one of the three wrongly billed in full, one in part, one not at all.

    And change what was right.
    """
    adjusted = {"line_class": "Adjustment", "month": BEFORE, "reason": "retro"}
    full, missing = spoiled["retro"]
    _bill(p, line, full, None, cents=-680, **adjusted)
    planted.codes[missing["person_id"], line["plan"], BEFORE] = "RETRO_MISSING"
    (part,) = spoiled["retro amount"]
    _bill(p, line, part, None, cents=-340, **adjusted)
    planted.codes[part["person_id"], line["plan"], BEFORE] = "RETRO_AMOUNT"
    for cents in (1495, -680, 2140):
        row = p.take(where=is_plan("SAMPLE-VISION"))
        _bill(p, line, row, None, cents=cents, **adjusted)
        planted.codes[row["person_id"], line["plan"], BEFORE] = "RETRO_UNEXPECTED"


__all__ = ["Planted", "plant", "spoiled_coverage"]
