"""Pure shaping of what was counted, and how amounts, days and people are written."""

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES, PROCESS_STATUS_NAMES

NOT_PROCESSED = ""
STATUS_NAMES = {NOT_PROCESSED: "not processed yet", **PROCESS_STATUS_NAMES}
"""Every place an event can stand, in the order of the cycle."""

EVENT_STATUS_COUNTS = ("open", "closed", "void", "disconnected")
FLAG_COUNTS = ("out_of_sequence", "eligibility_changed")
THOUSANDS = 1_000
PERCENT_THOUSANDTHS = 1_000


# --- words ----------------------------------------------------------------------------------------------


def money_text(cents: pl.Expr) -> pl.Expr:
    """Write cents as dollars.

    Missing: unknown stays null.

    >>> frame = pl.DataFrame({"cents": [123456789, -5, 0, None]})
    >>> frame.select(money_text(pl.col("cents"))).to_series().to_list()
    ['$1,234,567.89', '-$0.05', '$0.00', None]
    """
    size = cents.abs()
    fraction = (size % 100).cast(pl.String).str.zfill(2)
    return pl.concat_str(_sign(cents), _grouped(size // 100), pl.lit("."), fraction)


def whole_money_text(cents: pl.Expr) -> pl.Expr:
    """Write cents as dollars, without the cents where there are none, as coverage amounts are written.

    >>> frame = pl.DataFrame({"cents": [15000000, 150]})
    >>> frame.select(whole_money_text(pl.col("cents"))).to_series().to_list()
    ['$150,000', '$1.50']
    """
    return money_text(cents).str.strip_suffix(".00")


def percent_text(thousandths: pl.Expr) -> pl.Expr:
    """Write thousandths of a percent.

    >>> pl.DataFrame({"t": [6000, 4500]}).select(percent_text(pl.col("t"))).to_series().to_list()
    ['6%', '4.5%']
    """
    whole = (thousandths // PERCENT_THOUSANDTHS).cast(pl.String)
    fraction = (thousandths % PERCENT_THOUSANDTHS).cast(pl.String).str.zfill(3).str.strip_chars_end("0")
    return pl.concat_str(whole, pl.lit("."), fraction).str.strip_suffix(".") + "%"


def hundredths_text(hundredths: pl.Expr) -> pl.Expr:
    """Write hundredths of something, of an hour or of a percent.

    >>> pl.DataFrame({"h": [800, 3334]}).select(hundredths_text(pl.col("h"))).to_series().to_list()
    ['8', '33.34']
    """
    return percent_text(hundredths.cast(pl.Int64) * 10).str.strip_suffix("%")


def day_text(day: pl.Expr) -> pl.Expr:
    """Write a day as a letter does.

    >>> from datetime import date
    >>> pl.DataFrame({"day": [date(2026, 1, 5)]}).select(day_text(pl.col("day"))).to_series().to_list()
    ['January 5, 2026']
    """
    return day.dt.strftime("%B %-d, %Y")


def short_day_text(day: pl.Expr) -> pl.Expr:
    """Write a day as a narrow column does: Jan 5, 2026."""
    return day.dt.strftime("%b %-d, %Y")


def full_name() -> pl.Expr:
    """First and last name, as a person is addressed."""
    return pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)


def sorted_name() -> pl.Expr:
    """Last name first, as a list is sorted."""
    return pl.concat_str("last_name", "first_name", separator=", ", ignore_nulls=True)


def city_line() -> pl.Expr:
    """The last line of a mailing address; empty where nothing is known."""
    area = pl.concat_str("state", "postal_code", separator=" ", ignore_nulls=True)
    area = pl.when(area != "").then(area)
    return pl.concat_str("city", area, separator=", ", ignore_nulls=True)


def fallback(name: str, *others: str) -> pl.Expr:
    """The first of the columns that is known, under the name of the first."""
    return pl.coalesce(name, *others).alias(name)


def _sign(cents: pl.Expr) -> pl.Expr:
    return pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit("")) + "$"


def _grouped(whole: pl.Expr) -> pl.Expr:
    backwards = whole.cast(pl.String).str.reverse()
    return backwards.str.replace_all(r"(\d{3})", "${1},").str.strip_suffix(",").str.reverse()


# --- counts ---------------------------------------------------------------------------------------------


def count_statuses(
    standing: pl.DataFrame, passed: pl.DataFrame | None, schedules: pl.DataFrame
) -> pl.DataFrame:
    """Lay out how many events stand at each status, and how many a run took there.

    Shapes:  a row per schedule of `standing` and each of the twelve statuses, in the order of the cycle, and
             one before them for events not processed yet ('').
    Missing: `passed` is null where no run was asked about; a status nobody stands at counts 0.
    """
    order = pl.DataFrame({"process_status": list(STATUS_NAMES), "name": list(STATUS_NAMES.values())})
    ids = _all_ids(standing, passed)
    grid = ids.join(order.with_row_index("place"), how="cross", maintain_order="left_right")
    rows = grid.join(schedules, on="schedule_id", how="left", maintain_order="left")
    key = ["schedule_id", "process_status"]
    rows = rows.join(standing, on=key, how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("standing", *EVENT_STATUS_COUNTS, *FLAG_COUNTS).fill_null(0))
    return _with_percent(_with_passed(rows, passed)).select(
        *(
            "schedule_id",
            "client",
            "schedule",
            "schedule_name",
            "process_status",
            "name",
            "standing",
            "passed",
        ),
        *(*EVENT_STATUS_COUNTS, *FLAG_COUNTS, "percent_final"),
    )


def summarise_schedules(counts: pl.DataFrame) -> pl.DataFrame:
    """Lay out a row per schedule: events by process status, event status and flag, and how much is final."""
    by_schedule = ["schedule_id", "client", "schedule", "schedule_name", "percent_final"]
    totals = counts.group_by(by_schedule, maintain_order=True).agg(
        pl.col("standing").sum().alias("events"), pl.col(*EVENT_STATUS_COUNTS, *FLAG_COUNTS).sum()
    )
    at_status = counts.with_columns(pl.col("process_status").replace({NOT_PROCESSED: "new"})).pivot(
        "process_status", index="schedule_id", values="standing", maintain_order=True
    )
    return totals.join(at_status, on="schedule_id", how="left", maintain_order="left")


def final_events() -> pl.Expr:
    """How many of the events counted in a row need nothing more: void, or closed at a final status."""
    is_final = pl.col("process_status").is_in([str(status) for status in FINAL_STATUSES])
    return pl.col("void") + pl.when(is_final).then("closed").otherwise(0)


def _all_ids(standing: pl.DataFrame, passed: pl.DataFrame | None) -> pl.DataFrame:
    frames = [standing] if passed is None else [standing, passed]
    return pl.concat([frame.select("schedule_id") for frame in frames]).unique().sort("schedule_id")


def _with_passed(rows: pl.DataFrame, passed: pl.DataFrame | None) -> pl.DataFrame:
    if passed is None:
        return rows.with_columns(passed=pl.lit(None, dtype=pl.Int64))
    joined = rows.join(passed, on=["schedule_id", "process_status"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("passed").fill_null(0))


def _with_percent(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the share of final events, in percent, rounded down to a tenth so that 100 means all."""
    rows = rows.with_columns(_final=final_events())
    done, events = pl.col("_final").sum().over("schedule_id"), pl.col("standing").sum().over("schedule_id")
    per_mille = pl.when(events > 0).then(done * THOUSANDS // events)
    return (
        rows.with_columns(percent_final=per_mille * 0.1)
        .with_columns(pl.col("percent_final").round(1))
        .drop("_final")
    )
