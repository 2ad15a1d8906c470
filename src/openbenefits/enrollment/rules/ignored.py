"""Coverage that an event leaves alone because its plan type is ignored, though its option is open no more."""

import polars as pl

from openbenefits.core.columns import gathered, take, where
from openbenefits.eligibility.overrides import options_decided
from openbenefits.eligibility.rules import Eligibility
from openbenefits.programs.rulebook import Rulebook


def lost_but_ignored(
    plans: pl.DataFrame, eligibility: Eligibility, overrides: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Find the ignored plan types whose present option its rule or service area no longer admits, or that are
    outside the program.

    Shapes:  plans as `choices.with_loss` leaves them; the result are those rows, with option_id, the present
             option.
    Missing: what is undecided is no loss, nor is an option that only its plan type of the program lacks: an
             event that does not ignore the plan type says so.
    Source:  docs/rules.md §4.1; an ignored plan type has no dates, so that the household is not asked.
    """
    held = plans.filter("is_ignored").with_columns(option_id="current_option_id").drop_nulls("option_id")
    if held.is_empty():
        return held
    outside = where(held, "is_ending")
    held = where(held, ~held["is_ending"])
    options = rulebook.options.select("plan_row", "option_id", "rule_bit", "geography_bit")
    held = held.join(options, on=["plan_row", "option_id"], maintain_order="left")
    profiles = gathered(eligibility.cases["profile"], held["case"])
    held = held.with_columns(
        take(eligibility.profiles, profiles, "rules_met", "rules_undecided", "geographies_met")
    )
    decided = options_decided(overrides).select("case", "option_id", is_ruled="is_eligible")
    held = held.join(decided, on=["case", "option_id"], how="left", maintain_order="left")
    need, area = pl.col("rule_bit"), pl.col("geography_bit")
    is_refused = (need & (pl.col("rules_met") | pl.col("rules_undecided"))) != need
    is_elsewhere = ((pl.col("geographies_met") & area) != area).fill_null(value=False)
    lost = held.filter(pl.coalesce(~pl.col("is_ruled"), is_refused | is_elsewhere))
    return pl.concat([outside, lost.select(outside.columns)])
