"""A7: what each posted pay took, beside what it owed and what corrections and arrears take of it later.

One formula, as everywhere: owed − taken − already scheduled. What was taken for earlier pays is of those.
"""

from typing import TYPE_CHECKING

import polars as pl

from openbenefits.core.money import dollars, first_served
from openbenefits.platform import here as ours
from openbenefits.platform.audits.comparing import compare
from openbenefits.platform.pays import READABLE

if TYPE_CHECKING:
    from openbenefits.platform.audits.catalogue import Sides

PAY = ["pay_group", "ends_on"]
KEY = ["employee", "code", *PAY]
OF_CODE = ["employee", "code"]
PER_PAY = 2
"""So many cents a deduction of a pay may differ by rounding (reconciliation §9)."""


def deductions_of_pays(sides: "Sides") -> pl.DataFrame:
    """Compare posted pays, as COMPARED; only codes of ours: what else payroll takes is not ours to judge.

    A pay is posted when all its batches are, were nothing taken of anybody in it.
    """
    pays = _posted(sides)
    owed = _owed(sides, pays)
    taken, later = _taken(sides, pays)
    settled = _settled(owed, taken, later)
    here = owed.join(settled.select(*KEY, part="cents"), on=KEY, how="full", coalesce=True).with_columns(
        cents=_less("cents", "part")
    )
    nothing = here.filter((pl.col("cents") == 0).fill_null(value=False)).join(taken, on=KEY, how="anti")
    there = pl.concat([taken, nothing.select(taken.columns)])  # all of it is taken later
    compared = compare(here, there, key=KEY, columns={"cents": PER_PAY})
    words = [f"{dollars(cents)} of it by corrections or arrears" for cents in settled["cents"]]
    texts = pl.concat_str([pl.col(name).cast(pl.String) for name in KEY], separator="|")
    notes = settled.select(key=texts).with_columns(note=pl.Series(words, dtype=pl.String))
    return compared.drop("note").join(notes, on="key", how="left", maintain_order="left")


def _less(amount: str, part: str) -> pl.Expr:
    """Take a part off; of a pay that owed nothing, too. Missing: an unknown amount stays unknown."""
    is_unknown = pl.col(amount).is_null() & pl.col(part).is_null()
    return pl.when(~is_unknown).then(pl.col(amount).fill_null(0) - pl.col(part).fill_null(0))


def _posted(sides: "Sides") -> pl.DataFrame:
    """Name the pays whose batches are all posted, as PAY; a pay of vouchers without a batch, too."""
    batches = sides.seen("batch").drop_nulls("ends_on")
    is_open = ~pl.col("status").is_in(READABLE)
    unposted = batches.filter(is_open).select(PAY)
    pays = pl.concat([batches.select(PAY), sides.seen("taken").drop_nulls("ends_on").select(PAY)]).unique()
    return pays.join(unposted, on=PAY, how="anti")


def _owed(sides: "Sides", pays: pl.DataFrame) -> pl.DataFrame:
    """What the pays were to take: person_id, KEY, cents (null: not known)."""
    first, last = pays["ends_on"].min(), pays["ends_on"].max()
    if first is None or last is None:
        schema = {"person_id": pl.Int64, **dict.fromkeys(KEY, pl.String)} | {"ends_on": pl.Date}
        return pl.DataFrame(schema=schema | {"cents": pl.Int64})
    rows = ours.deductions(sides.here, first, last)  # type: ignore[arg-type]
    return rows.join(pays, on=PAY, how="semi").select("person_id", *KEY, "cents")


def _taken(sides: "Sides", pays: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the pays took of their own; and by code what was, or is to be, taken of earlier pays (total)."""
    codes = ours.deduction_codes(sides.here).select("plan", code="deduction_code")
    corrected, waiting, arrears = (
        sides.seen(name).join(codes, on="plan") for name in ("corrected", "adjustment", "arrears")
    )
    lines = sides.seen("taken").join(codes.select("code").unique(), on="code", how="semi")
    of_earlier = corrected.with_columns(cents=-pl.col("cents"))
    own = pl.concat([one.select("person_id", *KEY, "cents") for one in (lines, of_earlier)])
    sums = own.join(pays, on=PAY, how="semi").group_by(KEY)
    taken = sums.agg(pl.col("cents").sum(), pl.col("person_id").first()).filter(pl.col("cents") != 0)
    is_recent = pl.col("period") >= f"{sides.look.pays_from:%Y%m}"  # others are of pays nobody looks at
    later = pl.concat(
        [
            corrected.join(pays, on=PAY, how="semi").filter(is_recent).select(*OF_CODE, total="cents"),
            waiting.filter(is_recent).select(*OF_CODE, total="open_cents"),
            arrears.filter(pl.col("since_on") >= sides.look.pays_from).select(*OF_CODE, total="open_cents"),
        ]
    )
    return taken, later.drop_nulls().group_by(OF_CODE).agg(pl.col("total").sum())


def _settled(owed: pl.DataFrame, taken: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Lay what is taken later against the pays that lack it, the oldest first: KEY, cents."""
    both = owed.join(taken.select(*KEY, taken="cents"), on=KEY, how="full", coalesce=True)
    known = pl.col("cents").is_not_null() | pl.col("person_id").is_null()
    short = both.filter(known).select(*KEY, cents=pl.col("cents").fill_null(0) - pl.col("taken").fill_null(0))
    off = short.filter(pl.col("cents").abs() > PER_PAY)
    parts, _ = first_served(off, later, on=OF_CODE, by=["ends_on", "pay_group"])
    return parts.select(*KEY, "cents")
