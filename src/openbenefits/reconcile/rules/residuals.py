"""How the money pays collected meets the invoice, by person and plan (leg C).

What was collected less what was billed falls apart into what payroll did otherwise than owed (leg B), what
the carrier did otherwise than expected (leg A), and what pays of a month bring more or less than a month
costs. The last has a reason, or it is unexplained.
"""

import polars as pl

KEY = ["client_id", "person_id", "plan_id"]
PAYS = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "owed_cents": pl.Int64,
    "taken_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "pay_cents": pl.Int64,
}
"""What the pays of a month owed and took of a person for a plan; pay_cents: the most one is to bring."""

RESIDUAL = {
    **dict(list(PAYS.items())[:3]),
    "expected_cents": pl.Int64,
    "invoiced_cents": pl.Int64,
    "owed_cents": pl.Int64,
    "taken_cents": pl.Int64,
    "employer_cents": pl.Int64,
    "carrier_cents": pl.Int64,
    "payroll_cents": pl.Int64,
    "timing_cents": pl.Int64,
    "unexplained_cents": pl.Int64,
    "timing": pl.String,
}
"""carrier_cents: billed otherwise than expected; payroll_cents: taken otherwise than owed."""

NOT_BILLED = "collected for a month that is not charged"
NOT_COLLECTED = "charged, and no pay of the month collects it: the employer bears it"
CALENDAR = "pays of the month bring more or less than a twelfth of the year"
OTHER_MONTHS = "billed for other months, which their own pays or corrections collect"


def residuals(wanted: pl.DataFrame, found: pl.DataFrame, pays: pl.DataFrame, tolerance: int) -> pl.DataFrame:
    """Take apart what was collected less what was billed, for everybody of the clients whose pays are known.

    Shapes:  wanted has KEY, expected_cents and, of these, other_cents: what is of other months than the one
             billed; found KEY and difference_cents, pays as PAYS. As RESIDUAL:
             taken + employer − invoiced = payroll − carrier + timing + unexplained, to the cent.
    Missing: what is owed is null where a pay of the month cannot be priced: all that is beyond the carrier's
             part is unexplained then.
    """
    clients = pays.select("client_id").unique()
    expected = wanted.drop_nulls("person_id").group_by(KEY).agg(pl.col("expected_cents", "other_cents").sum())
    differs = found.drop_nulls("person_id").group_by(KEY).agg(carrier_cents=pl.col("difference_cents").sum())
    rows = expected.join(differs, on=KEY, how="full", coalesce=True).join(
        pays.with_columns(is_known=pl.col("owed_cents").is_not_null()), on=KEY, how="full", coalesce=True
    )
    rows = rows.join(clients, on="client_id", how="semi").with_columns(
        pl.col("expected_cents", "other_cents", "carrier_cents").fill_null(0),
        pl.col("taken_cents", "employer_cents", "pay_cents").fill_null(0),
        pl.col("is_known").fill_null(value=True),
        owed_cents=pl.when(pl.col("is_known").fill_null(value=True)).then(pl.col("owed_cents").fill_null(0)),
    )
    return _taken_apart(rows, tolerance).select(pl.col(name).cast(kind) for name, kind in RESIDUAL.items())


def _taken_apart(rows: pl.DataFrame, tolerance: int) -> pl.DataFrame:
    expected, employer = pl.col("expected_cents"), pl.col("employer_cents")
    brought = pl.col("owed_cents") + employer
    apart, other = brought - expected, pl.col("other_cents")
    near = pl.col("pay_cents") + tolerance
    reason = (
        pl.when(pl.col("owed_cents").is_null())
        .then(None)
        .when(apart == 0)
        .then(pl.lit(""))
        .when((other != 0) & ((apart + other).abs() <= near))
        .then(pl.lit(OTHER_MONTHS))
        .when(expected == 0)
        .then(pl.lit(NOT_BILLED))
        .when(brought == 0)
        .then(pl.lit(NOT_COLLECTED))
        .when(apart.abs() <= near)
        .then(pl.lit(CALENDAR))
    )
    whole = pl.col("taken_cents") + employer - expected
    return rows.with_columns(
        invoiced_cents=expected + pl.col("carrier_cents"),
        payroll_cents=(pl.col("taken_cents") - pl.col("owed_cents")).fill_null(0),
        timing_cents=pl.when(reason.is_not_null()).then(apart).otherwise(0),
        unexplained_cents=pl.when(pl.col("owed_cents").is_null())
        .then(whole)
        .when(reason.is_null())
        .then(apart)
        .otherwise(0),
        timing=reason.fill_null(""),
    )
