"""What a change point makes of a pay: a deduction, one after tax beside it, credits, hours sold."""

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, AmountKind, OptionType, TaxClass, Trade
from openbenefits.payroll.rules.excess import CREDIT, DEDUCTION, SOLD
from openbenefits.payroll.rules.takings import EVERY_PERIOD
from openbenefits.programs.rulebook import PROGRAM_PLAN_TYPE

COVERED = [str(kind) for kind in COVERED_KINDS]

_AFTER_TAX_CODE = ("after_tax_deduction_code_id", "after_tax_period_flags")


def deductions_of(lines: pl.DataFrame) -> pl.DataFrame:
    """Keep what is covered; without a deduction code it is taken after tax, in every pay.

    Hours of leave sold are paid instead of taken, in the same pays. A percentage after tax is a line of its
    own, beside that before tax, if there is one.

    Shapes:  lines has a point, what it states (point_*) and its option on the day; adds kind, tax_class,
             stated_thousandths (the percentage of the line) and is_after_tax_part.
    Source:  docs/rules.md §11.5, §11.7.
    """
    option_type = pl.col("option_type")
    is_option = (option_type == OptionType.OPTION) | option_type.is_null()
    is_option &= pl.col("point_plan_type") != PROGRAM_PLAN_TYPE
    is_general = (option_type == OptionType.GENERAL_DEDUCTION).fill_null(value=False)
    covered = lines.filter((is_option | is_general) & pl.col("change_kind").is_in(COVERED))
    has_after_tax = (pl.col("amount_kind") == str(AmountKind.PERCENT)) & (
        pl.col("point_after_tax_thousandths") > 0
    )
    has_after_tax = has_after_tax.fill_null(value=False)
    own = covered.filter(~has_after_tax | pl.col("point_percent_thousandths").is_not_null())
    return pl.concat([_own_part(own), _after_tax_part(covered.filter(has_after_tax))])


def _own_part(lines: pl.DataFrame) -> pl.DataFrame:
    sells = (pl.col("trade") == Trade.SELL).fill_null(value=False)
    return lines.with_columns(
        kind=pl.when(sells).then(pl.lit(SOLD)).otherwise(pl.lit(DEDUCTION)),
        tax_class=pl.when(~sells).then(pl.col("tax_class").fill_null(str(TaxClass.AFTER_TAX))),
        period_flags=pl.col("period_flags").cast(pl.Int64).fill_null(EVERY_PERIOD),
        stated_thousandths="point_percent_thousandths",
        is_after_tax_part=pl.lit(value=False),
    ).drop(_AFTER_TAX_CODE)


def _after_tax_part(lines: pl.DataFrame) -> pl.DataFrame:
    """Take the percentage after tax by its own deduction code; without one, in the pays of the option's."""
    code, flags = _AFTER_TAX_CODE
    return lines.with_columns(
        kind=pl.lit(DEDUCTION),
        tax_class=pl.lit(str(TaxClass.AFTER_TAX)),
        deduction_code_id=pl.coalesce(code, "deduction_code_id"),
        period_flags=pl.coalesce(flags, "period_flags").cast(pl.Int64).fill_null(EVERY_PERIOD),
        stated_thousandths="point_after_tax_thousandths",
        is_after_tax_part=pl.lit(value=True),
    ).drop(_AFTER_TAX_CODE)


def credits_of(lines: pl.DataFrame) -> pl.DataFrame:
    """Keep what gives credits; they are earnings of every pay."""
    return (
        lines.filter("has_credit")
        .with_columns(
            kind=pl.lit(CREDIT),
            tax_class=pl.lit(None, pl.String),
            deduction_code_id=pl.lit(None, lines.schema["deduction_code_id"]),
            period_flags=pl.lit(EVERY_PERIOD, pl.Int64),
            stated_thousandths=pl.lit(None, lines.schema["point_percent_thousandths"]),
            is_after_tax_part=pl.lit(value=False),
        )
        .drop(_AFTER_TAX_CODE)
    )
