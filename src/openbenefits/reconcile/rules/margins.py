"""What a client was billed, against coverage, the carrier's invoice and payroll, by person and plan (leg D).

Billed less the carrier's invoice is what was agreed (price to the client less premium), what the client was
billed otherwise, less what the carrier billed otherwise: nothing else is left.
"""

import polars as pl

from openbenefits.reconcile.rules.causes import TITLES
from openbenefits.reconcile.rules.comparing import ROUNDING
from openbenefits.reconcile.rules.residuals import KEY

MARGIN = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "expected_cents": pl.Int64,
    "billed_cents": pl.Int64,
    "premium_cents": pl.Int64,
    "invoiced_cents": pl.Int64,
    "owed_cents": pl.Int64,
    "taken_cents": pl.Int64,
    "employer_cents": pl.Int64,
}
"""expected: to be billed to the client; premium: expected of the carrier."""

NEGATIVE = "MARGIN_NEGATIVE"
NOT_TO_BILL = "the carrier charges the month, the client is not to be billed for it"
BELOW = "the price to the client is below the carrier's premium"

_CODES = {
    **dict.fromkeys(("INV_MISSING", "COBRA_MISSING"), "BILL_MISSING"),
    **dict.fromkeys(
        ("INV_TERMED_BILLED", "INV_NO_ENROLL", "INV_WAIVED_BILLED", "COBRA_ON_ACTIVE", "INV_DUPLICATE"),
        "BILL_EXTRA",
    ),
    "RETRO_MISSING": "ADJ_UNBILLED",
    **{code: code for code in ("UNMATCHED_PERSON", "INV_UNALLOCATED", "UNEXPLAINED", ROUNDING)},
}


def as_billing(found: pl.DataFrame) -> pl.DataFrame:
    """Name differences of a bill to a client as such; what a carrier's would be called goes to the note.

    Shapes: found and the answer as `comparing.FOUND`.
    """
    code, cents = pl.col("code"), pl.col("difference_cents")
    of_edge = pl.when(cents < 0).then(pl.lit("BILL_MISSING")).otherwise(pl.lit("BILL_EXTRA"))
    named = code.replace_strict(_CODES, default="BILL_AMOUNT", return_dtype=pl.String)
    told = code.replace_strict(TITLES, default=None, return_dtype=pl.String)
    note = pl.concat_str(told, pl.col("note").replace("", None), separator=": ", ignore_nulls=True)
    return found.with_columns(
        code=pl.when(code == "INV_EFF_DATE").then(of_edge).otherwise(named), note=note.fill_null("")
    )


def margins(
    wanted: pl.DataFrame, found: pl.DataFrame, carriers: pl.DataFrame, known: pl.DataFrame, pays: pl.DataFrame
) -> pl.DataFrame:
    """Lay the four legs side by side, as MARGIN.

    Shapes:  wanted has KEY and expected_cents, found KEY and difference_cents, of the bill; carriers has KEY,
             premium_cents, invoiced_cents; known the plan_id of the plans whose carrier sent one; pays as
             `residuals.PAYS`.
    Missing: premium and invoiced are null where the carrier sent no invoice, owed, taken and employer where
             no pay of the client was reported.
    """
    expected = wanted.drop_nulls("person_id").group_by(KEY).agg(pl.col("expected_cents").sum())
    differs = found.drop_nulls("person_id").group_by(KEY).agg(pl.col("difference_cents").sum())
    sums = carriers.group_by(KEY).agg(pl.col("premium_cents", "invoiced_cents").sum())
    rows = expected
    for other in (differs, sums, pays.select(*KEY, "owed_cents", "taken_cents", "employer_cents")):
        rows = rows.join(other, on=KEY, how="full", coalesce=True)
    has_invoice = pl.col("plan_id").is_in(known["plan_id"].implode())
    has_pays = pl.col("client_id").is_in(pays["client_id"].unique().implode())
    wages = ("owed_cents", "taken_cents", "employer_cents")
    return (
        rows.with_columns(
            pl.col("expected_cents", "difference_cents").fill_null(0),
            *(
                pl.when(has_invoice).then(pl.col(name).fill_null(0))
                for name in ("premium_cents", "invoiced_cents")
            ),
            *(
                pl.when(has_pays & pl.col("taken_cents").is_null())
                .then(0)
                .otherwise(pl.col(name))
                .alias(name)
                for name in wages
            ),
        )
        .with_columns(billed_cents=pl.col("expected_cents") + pl.col("difference_cents"))
        .select(pl.col(name).cast(kind) for name, kind in MARGIN.items())
    )


def parts() -> dict[str, pl.Expr]:
    """What billed less invoiced is made of, of MARGIN: margin, agreed, billed otherwise, the carrier's doing.

    margin_cents = agreed_cents + billing_cents − carrier_cents; null where the carrier sent no invoice.
    """
    return {
        "margin_cents": pl.col("billed_cents") - pl.col("invoiced_cents"),
        "agreed_cents": pl.col("expected_cents") - pl.col("premium_cents"),
        "billing_cents": pl.col("billed_cents") - pl.col("expected_cents"),
        "carrier_cents": pl.col("invoiced_cents") - pl.col("premium_cents"),
    }


def losses(rows: pl.DataFrame, tolerance: int) -> pl.DataFrame:
    """Answer of MARGIN what is to be billed below what the carrier is owed: with difference_cents, note."""
    agreed = parts()["agreed_cents"]
    lost = rows.filter((agreed < -tolerance).fill_null(value=False))
    why = pl.when(pl.col("expected_cents") == 0).then(pl.lit(NOT_TO_BILL)).otherwise(pl.lit(BELOW))
    return lost.with_columns(difference_cents=agreed, note=why)


def shares_off(units: pl.DataFrame, printed: pl.DataFrame, tolerance: int) -> pl.DataFrame:
    """Answer whose employer's share is printed otherwise than the contribution rules have it.

    Shapes: units has KEY, unit, share_cents, is_charged; printed has KEY, employer_cents. The answer adds
            employer_cents and difference_cents to units. A share not known is not compared.
    """
    rows = units.filter("is_charged").join(printed.drop_nulls("employer_cents"), on=KEY)
    off = pl.col("employer_cents") - pl.col("share_cents")
    return rows.with_columns(difference_cents=off).filter((off.abs() > tolerance).fill_null(value=False))


def with_classes(off: pl.DataFrame, variants: pl.DataFrame) -> pl.DataFrame:
    """Add code: ENR_CLASS where the share is exactly that of another class, else ER_CONTRIB.

    Shapes: off as `shares_off`; variants has unit, share_cents, as `premiums.variant_premiums`.
    """
    same = off.join(variants.select("unit", other="share_cents"), on="unit").filter(
        pl.col("other") == pl.col("employer_cents")
    )
    is_class = pl.col("unit").is_in(same["unit"].unique().implode())
    code = pl.when(is_class).then(pl.lit("ENR_CLASS")).otherwise(pl.lit("ER_CONTRIB"))
    return off.with_columns(code=code)
