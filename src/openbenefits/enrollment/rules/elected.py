"""What people submitted, and what holds of them already: the shapes both come in."""

from dataclasses import dataclass, field
from functools import cache

import polars as pl

from openbenefits.enrollment.rules.prepare import Prepared, Situation
from openbenefits.programs.rulebook import Rulebook

ELECTION_COLUMNS = (
    *("case", "plan_type", "slot", "option_code", "option_id", "coverage_cents", "pledge_cents"),
    *("percent_thousandths", "after_tax_thousandths", "hours_hundredths", "files_separately"),
    *("waive_reason", "waiver_proof", "waiver_proof_on", "credit_rollover", "received_on"),
    "source",
)

BENEFICIARY = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "dependent_id": pl.Int64,
    "is_contingent": pl.Boolean,
    "percent_hundredths": pl.Int32,
}


@cache
def no_beneficiaries() -> pl.DataFrame:
    """An empty frame of beneficiaries."""
    return pl.DataFrame(schema=BENEFICIARY)


@dataclass(frozen=True, kw_only=True)
class Elected:
    """What people submitted, or what holds, of the cases at hand.

    elections:     as ELECTION_COLUMNS, the latest submission per plan type (of what holds: not read).
    members:       case, plan_type, dependent_id covered.
    funds:         case, plan_type, fund, percent.
    beneficiaries: as BENEFICIARY.
    """

    elections: pl.DataFrame
    members: pl.DataFrame
    funds: pl.DataFrame
    beneficiaries: pl.DataFrame = field(default_factory=no_beneficiaries)


@dataclass(frozen=True, kw_only=True)
class Checking:
    """Everything a check of elections looks at.

    rows: the elections with their plan row, option and what bounds them (validate.locate).
    """

    rows: pl.DataFrame
    elected: Elected
    held: Elected
    prepared: Prepared
    situation: Situation
    rulebook: Rulebook

    def enrolling(self, *kinds: str) -> pl.DataFrame:
        """The elections of an option (not of a waiver), of the given amount kinds or of all."""
        rows = self.rows.filter(option_type="O")
        return rows.filter(pl.col("amount_kind").is_in(kinds)) if kinds else rows
