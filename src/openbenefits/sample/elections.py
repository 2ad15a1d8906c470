"""What people choose out of what they are offered, as an elections file: mostly valid, some with faults.

Who knows what is offered calls `elections` with it; nothing here decides what anybody may have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from openbenefits.core.days import age_years
from openbenefits.core.plan_types import HSA
from openbenefits.sample.draws import Draws

WAIVE: Final = "WAIVE"
EVENT: Final = ("employee_number", "benefit_record", "schedule", "event_number")

OFFER_COLUMNS: Final[dict[str, pl.DataType]] = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int64(),
    "schedule": pl.String(),
    "event_number": pl.Int64(),
    "plan_type": pl.String(),
    "option": pl.String(),  # its code; WAIVE where the plan type may be declined
    "is_current": pl.Boolean(),
    "needs_spouse": pl.Boolean(),
    "needs_partner": pl.Boolean(),
    "needs_children": pl.Boolean(),
    "amount_kind": pl.String(),  # core.codes.AmountKind
    "minimum": pl.Int64(),  # dollars of a pledge, percent of pay
    "maximum": pl.Int64(),
    "is_invested": pl.Boolean(),
    "is_hsa_eligible": pl.Boolean(),  # a medical option that opens the HSA
}

ELECTION_COLUMNS: Final[dict[str, pl.DataType]] = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int64(),
    "schedule": pl.String(),
    "event_number": pl.Int64(),
    "plan_type": pl.String(),
    "option": pl.String(),
    "coverage_amount": pl.Int64(),
    "annual_pledge": pl.Int64(),
    "percent": pl.Int64(),
    "dependents": pl.String(),
    "funds": pl.String(),
    "waive_reason": pl.String(),
    "other_coverage": pl.String(),
    "received_on": pl.Date(),
}

WINDOW: Final = (date(2025, 11, 3), date(2025, 11, 21))
COVERAGE_DAY: Final = date(2026, 1, 1)
DEPENDENT_AGE: Final = 26
HSA_ALONE: Final = 4400  # Rev. Proc. 2025-19
FUNDS: Final = ("TD2040:100", "TD2060:100", "INDEX:60 BOND:40", "INDEX:50 INTL:30 STABLE:20")

_is_waived = pl.col("option") == WAIVE
_is_pledged = (pl.col("amount_kind") == "annual_pledge") & ~_is_waived
_is_percent = (pl.col("amount_kind") == "percent_of_pay") & ~_is_waived


@dataclass(frozen=True, kw_only=True)
class ElectionFile:
    """The rows of an elections file, and which of them hold which fault."""

    rows: pl.DataFrame
    faults: pl.DataFrame  # the event, plan_type, fault

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write `elections.csv` and, for us, `election_faults.csv`."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "elections.csv", folder / "election_faults.csv"
        self.rows.write_csv(paths[0])
        self.faults.write_csv(paths[1])
        return paths


def elections(
    offers: pl.DataFrame,
    dependents: pl.DataFrame,
    *,
    seed: int = 2026,
    share: float = 0.6,
    fault_share: float = 0.03,
    window: tuple[date, date] = WINDOW,
) -> ElectionFile:
    """Let a share of the people choose; a share of those make a mistake, of every kind in turn.

    Shapes: offers has OFFER_COLUMNS, one row per option (and one for WAIVE where it is allowed) that can be
            elected; dependents has employee_number, dependent_number, relationship, birth_date, disabled, as
            in the census. Any order of rows gives the same file.
    """
    draws = Draws(seed, "elections")
    family = _family(dependents)
    offers = offers.select(pl.col(name).cast(kind) for name, kind in OFFER_COLUMNS.items())
    offers = offers.sort(*EVENT, "plan_type", "option").join(
        family, on="employee_number", how="left", maintain_order="left"
    )
    events = offers.select(EVENT).unique(maintain_order=True)
    events = events.with_columns(
        received_on=_received(draws.whole(events.height, 0, (window[1] - window[0]).days), window[0])
    ).filter(draws.happens(events.height, share))
    chosen = _filled(_chosen(offers, events, draws), draws)
    count = round(fault_share * events.height)
    rows, faults = _with_faults(chosen, offers, count, window)
    return ElectionFile(rows=_conform(rows), faults=faults)


def _family(dependents: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("relationship")
    number = pl.col("dependent_number").cast(pl.String)
    is_covered = (age_years(pl.col("birth_date"), COVERAGE_DAY) < DEPENDENT_AGE) | (pl.col("disabled") == "Y")
    is_child = kind.is_in(["child", "adult_child", "other"]) & is_covered
    return (
        dependents.sort("employee_number", "dependent_number")
        .group_by("employee_number", maintain_order=True)
        .agg(
            spouse=number.filter(kind == "spouse").first(),
            partner=number.filter(kind == "domestic_partner").first(),
            children=number.filter(is_child).str.join(" "),
        )
        .with_columns(children=pl.col("children").replace("", None))
    )


def _received(days: pl.Series, first: date) -> pl.Series:
    return (days + (first - date(1970, 1, 1)).days).cast(pl.Int32).cast(pl.Date)


def _chosen(offers: pl.DataFrame, events: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Choose one row of each plan type in which something can be chosen."""
    is_possible = (
        (~pl.col("needs_spouse") | pl.col("spouse").is_not_null())
        & (~pl.col("needs_partner") | pl.col("partner").is_not_null())
        & (~pl.col("needs_children") | pl.col("children").is_not_null())
    )
    luck = pl.lit(draws.uniform(offers.height))
    taste = (
        pl.when(_is_waived)
        .then(pl.when(pl.col("amount_kind") == "annual_pledge").then(0.8).otherwise(0.35))
        .when(pl.col("is_current"))
        .then(3.0)
        .otherwise(1.0)
    )
    group = [*EVENT, "plan_type"]
    ranked = (
        offers.with_columns(taste=luck * taste)
        .filter(is_possible, pl.len().over(group) > 1)
        .join(events, on=EVENT, how="inner", maintain_order="left")
    )
    best = ranked.filter(pl.col("taste") == pl.col("taste").max().over(group)).unique(
        group, keep="first", maintain_order=True
    )
    opens_hsa = best.filter(pl.col("is_hsa_eligible"), pl.col("plan_type") == "10").select(EVENT)
    is_open = pl.struct(EVENT).is_in(opens_hsa.select(pl.struct(EVENT)).to_series().implode())
    without = (pl.col("plan_type") == HSA) & ~is_open
    return best.with_columns(option=pl.when(without).then(pl.lit(WAIVE)).otherwise("option"))


def _filled(chosen: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """State what goes with each choice: a pledge, a percentage, funds, dependents, why not."""
    count = chosen.height
    luck = pl.lit(draws.uniform(count))
    low, high = pl.col("minimum"), _most(chosen)
    pledge = ((low + (high - low) * luck * luck) / 10).ceil().cast(pl.Int64) * 10
    percent = pl.max_horizontal(low, pl.min_horizontal(high, pl.lit(draws.whole(count, 2, 15))))
    covered = pl.concat_str(
        pl.when("needs_spouse").then("spouse"),
        pl.when("needs_partner").then("partner"),
        pl.when("needs_children").then("children"),
        separator=" ",
        ignore_nulls=True,
    )
    is_medical = pl.col("plan_type") == "10"
    return chosen.with_columns(
        annual_pledge=pl.when(_is_pledged).then(pl.min_horizontal(pledge, high)),
        percent=pl.when(_is_percent).then(percent),
        funds=pl.when(pl.col("is_invested") & ~_is_waived).then(pl.lit(draws.choice(count, FUNDS))),
        dependents=pl.when((covered != "") & ~_is_waived).then(covered),
        waive_reason=pl.when(_is_waived & is_medical)
        .then(pl.lit("other coverage"))
        .when(_is_waived)
        .then(pl.lit("not wanted")),
        other_coverage=pl.when(_is_waived & is_medical).then(pl.lit("plan of another employer")),
    )


def _most(chosen: pl.DataFrame) -> pl.Expr:
    """Answer the most a person states: in the HSA of who covers nobody else, the limit for that."""
    is_shared = pl.col("needs_spouse") | pl.col("needs_partner") | pl.col("needs_children")
    shared = chosen.filter(is_shared, pl.col("plan_type") == "10").select(pl.struct(EVENT)).to_series()
    is_alone = (pl.col("plan_type") == HSA) & ~pl.struct(EVENT).is_in(shared.implode())
    most = pl.when(is_alone).then(pl.min_horizontal("maximum", pl.lit(HSA_ALONE))).otherwise("maximum")
    return most.cast(pl.Int64)


def _with_faults(
    chosen: pl.DataFrame, offers: pl.DataFrame, count: int, window: tuple[date, date]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Spoil one row each of `count` people: every kind of mistake in turn, as far as it can be made."""
    kinds = _mistakes(chosen, offers, window)
    each, more = divmod(count, len(kinds))
    spoilt = [pl.DataFrame(schema=chosen.schema | {"fault": pl.String()})]
    free = chosen
    for index, (kind, mistake) in enumerate(kinds.items()):
        rows = mistake(free).unique("employee_number", keep="first", maintain_order=True)
        rows = rows.head(each + (index < more))
        spoilt.append(rows.select(chosen.columns).with_columns(fault=pl.lit(kind)))
        free = free.join(rows, on="employee_number", how="anti", maintain_order="left")
    wrong = pl.concat(spoilt)
    row = [*EVENT, "plan_type"]
    right = chosen.join(wrong, on=row, how="anti", maintain_order="left")
    together = pl.concat([right, wrong.drop("fault")]).sort(row)
    return together, wrong.select(*row, "fault").sort(row)


def _mistakes(
    chosen: pl.DataFrame, offers: pl.DataFrame, window: tuple[date, date]
) -> dict[str, Callable[[pl.DataFrame], pl.DataFrame]]:
    """List the mistakes: each takes the rows it may spoil and answers spoilt ones."""
    has_own, names_some = pl.col("spouse").is_not_null(), pl.col("dependents").is_not_null()
    is_health = pl.col("plan_type").str.starts_with("1") & ~_is_waived
    late = window[1] + timedelta(days=4)

    def spoil(where: pl.Expr, **values: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
        expressions = {
            name: value if isinstance(value, pl.Expr) else pl.lit(value, chosen.schema[name])
            for name, value in values.items()
        }
        return lambda rows: rows.filter(where).with_columns(**expressions)

    def not_offered(rows: pl.DataFrame) -> pl.DataFrame:
        medical = offers.filter(pl.col("plan_type") == "10", ~_is_waived)
        others = medical.select("schedule", other="option").unique(maintain_order=True)
        own = medical.select("employee_number", other="option")
        asked = (
            rows.filter(pl.col("plan_type") == "10")
            .head(200)
            .join(others, on="schedule", maintain_order="left")
        )
        foreign = asked.join(own, on=["employee_number", "other"], how="anti", maintain_order="left")
        return foreign.with_columns(option="other", dependents=pl.lit(None, pl.String))

    def without_hdhp(rows: pl.DataFrame) -> pl.DataFrame:
        account = offers.filter(pl.col("plan_type") == "67", ~_is_waived).select(*EVENT, account="option")
        opened = rows.filter(pl.col("is_hsa_eligible")).select(EVENT)
        refused = rows.filter(pl.col("plan_type") == "67", _is_waived).join(
            opened, on=EVENT, how="anti", maintain_order="left"
        )
        asking = refused.join(account, on=EVENT, maintain_order="left")
        return asking.with_columns(
            option="account", annual_pledge=pl.lit(1000, pl.Int64), waive_reason=pl.lit(None, pl.String)
        )

    return {
        "hsa_without_hdhp": without_hdhp,
        "not_offered": not_offered,
        "unknown_option": spoil(pl.col("plan_type") == "11", option="XX-99", dependents=None),
        "too_few_dependents": spoil(is_health & names_some, dependents=None),
        "too_many_dependents": spoil(is_health & has_own & ~names_some, dependents=pl.col("spouse")),
        "unknown_dependent": spoil(is_health & names_some, dependents=pl.col("dependents") + " 99"),
        "pledge_too_high": spoil(_is_pledged, annual_pledge=pl.col("maximum") + 1500),
        "pledge_missing": spoil(_is_pledged, annual_pledge=None),
        "percent_too_high": spoil(_is_percent, percent=pl.col("maximum") + 20),
        "funds_not_100": spoil(pl.col("funds").is_not_null(), funds="INDEX:60 BOND:30"),
        "unknown_fund": spoil(pl.col("funds").is_not_null(), funds="GOLD:100"),
        "received_late": spoil(is_health, received_on=late),
    }


def _conform(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the rows the columns of the file."""
    return rows.select(
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in ELECTION_COLUMNS.items()
    )
