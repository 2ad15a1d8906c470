"""Days and months of a duty to offer continuation: which day each clock starts on, which day it ends.

Whoever has to do something counts from the last covered day, whoever may do something from the first day
without coverage, so that neither the employer is late nor a beneficiary short by a day.
Source: IRC 4980B(f)(2)(B), (5), (8); 29 CFR 2590.606-2 to 606-4.
"""

import polars as pl

from openbenefits.compliance.cobra.rules.causes import OPEN, QUALIFIES
from openbenefits.compliance.cobra.rules.losses import FSA, LOSS_KEY
from openbenefits.core import days
from openbenefits.programs.dated import dated

CLOCKS = (
    *("beneficiary_notice_by", "employer_notice_by", "election_notice_by", "election_through"),
    *("continues_through", "disability_through"),
)


def with_classes(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Add the COBRA class of each cause on the day it happened; without one, a person has to decide.

    Shapes: classes as the rows `cobra_class` of set-up. The row in force on happened_on counts, or on the
            last covered day where nothing says when it happened.
    """
    known = dated(classes, "cause").select(
        *("cause", "valid_from", "valid_to", "months", "disability_months", "counts_from"),
        *("employer_days", "administrator_days", "beneficiary_days", "election_days", "source"),
    )
    earlier = [name for name in known.columns if name in rows.columns and name != "cause"]
    rows = rows.drop(earlier).with_columns(happened_on=pl.coalesce("happened_on", "last_covered_on"))
    found = rows.select(*LOSS_KEY, "cause", "happened_on").join(known, on="cause")
    found = found.filter(pl.col("happened_on").is_between("valid_from", "valid_to", closed="left"))
    joined = rows.join(
        found.drop("cause", "happened_on", "valid_from", "valid_to"),
        on=list(LOSS_KEY),
        how="left",
        maintain_order="left",
    )
    is_unknown = (pl.col("verdict") == QUALIFIES) & pl.col("months").is_null()
    return joined.with_columns(
        verdict=pl.when(is_unknown).then(pl.lit(OPEN)).otherwise("verdict"),
        reason=pl.when(is_unknown)
        .then(pl.format("{}; set-up knows no COBRA class for it on that day", "reason"))
        .otherwise("reason"),
    )


def with_report(rows: pl.DataFrame) -> pl.DataFrame:
    """Let a person decide where the employee or dependent had to report the event and was late."""
    is_late = (pl.col("verdict") == QUALIFIES) & (pl.col("reported_on") > _report_by()).fill_null(value=False)
    return rows.with_columns(
        verdict=pl.when(is_late).then(pl.lit(OPEN)).otherwise("verdict"),
        reason=pl.when(is_late)
        .then(pl.format("{}; reported late, a person decides whether the right was lost", "reason"))
        .otherwise("reason"),
    )


def with_clocks(rows: pl.DataFrame) -> pl.DataFrame:
    """Add CLOCKS to the losses that qualify; of the others they are null.

    Shapes:  rows with the class's columns, reported_on, notified_on (when the election notice was sent) and
             plan_year_month (of an account).
    Missing: a notice not sent yet counts as sent on its last day; no disability_through where a class gives
             no further months.
    """
    reports_itself = pl.col("beneficiary_days").is_null()
    is_event = pl.col("counts_from") == "event"
    start = pl.when(is_event).then("happened_on").otherwise("last_covered_on")
    employer_by = days.add_days(start, pl.col("employer_days"))
    told = days.latest(pl.coalesce("reported_on", "happened_on"), pl.col("happened_on"))
    known = pl.when(reports_itself).then(employer_by).otherwise(told)
    rows = rows.with_columns(
        beneficiary_notice_by=_report_by(),
        employer_notice_by=pl.when(reports_itself).then(employer_by),
        election_notice_by=days.add_days(known, pl.col("administrator_days")),
        continues_through=_through(pl.col("months")),
        disability_through=pl.when((pl.col("disability_months") > 0) & (pl.col("cover") != FSA)).then(
            _through(pl.col("months") + pl.col("disability_months"))
        ),
    )
    sent = pl.coalesce("notified_on", "election_notice_by")
    rows = rows.with_columns(
        election_through=days.add_days(days.latest(pl.col("lost_on"), sent), pl.col("election_days"))
    )
    is_due = pl.col("verdict") == QUALIFIES
    return rows.with_columns(pl.when(is_due).then(name).alias(name) for name in CLOCKS)


def _report_by() -> pl.Expr:
    """The last day to report an event: null where the employer knows of it by itself."""
    return days.add_days(days.latest(pl.col("happened_on"), pl.col("lost_on")), pl.col("beneficiary_days"))


def _through(months: pl.Expr) -> pl.Expr:
    """The last day of continuation: by months, and of an account at most the plan year's."""
    from_event = days.add_months(pl.col("happened_on"), months)
    from_loss = days.day_before(days.add_months(pl.col("lost_on"), months))
    by_months = pl.when(pl.col("counts_from") == "event").then(from_event).otherwise(from_loss)
    return pl.when(pl.col("cover") == FSA).then(_year_end()).otherwise(by_months)


def _year_end() -> pl.Expr:
    """The last day of the plan year that the last covered day lies in."""
    on, month = pl.col("last_covered_on"), pl.col("plan_year_month").fill_null(1)
    year = on.dt.year() - (on.dt.month() < month).cast(pl.Int32)
    return days.day_before(pl.date(year + 1, month, 1))
