"""How a year's amount falls into pays: which pays of the year take it, and how much each."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.rules.lines import pays_told
from openbenefits.core import money
from openbenefits.core.codes import LEAVE_STATUSES
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.ledger import own_pays_of
from openbenefits.payroll.rules.takings import is_flag_on
from openbenefits.programs.frames import load_rulebook

AT_WORK = ("A", *LEAVE_STATUSES)
EVERY_PERIOD = 31


@dataclass(frozen=True, kw_only=True)
class PaysLeft:
    """The pays of a year, from a day, that take of an option."""

    count: int

    def split(self, year_cents: int) -> tuple[tuple[int, int], ...]:
        """Say how many pays take how much of a year's amount; together they are that amount.

        >>> PaysLeft(count=26).split(2400_00)
        ((20, 9231), (6, 9230))
        """
        if not self.count:
            return ()
        shares = pl.DataFrame({"number": range(1, self.count + 1)}, schema={"number": pl.Int64})
        each = shares.select(money.share_of_split(pl.lit(year_cents), pl.col("number"), self.count))
        return pays_told(each.to_series().to_list())


def pays_left(connection: Any, place: EventPlace, option_id: int, begin: date) -> PaysLeft:
    """Count the pays, from a day to the end of its year, that take what is put into an option."""
    rulebook = load_rulebook(connection, [place.client_id])
    flags = rulebook.options.filter(pl.col("option_id") == option_id)["period_flags"]
    period_flags = flags[-1] if flags.len() and flags[-1] is not None else EVERY_PERIOD
    owner = pl.DataFrame(
        {
            "client_id": [place.client_id],
            "person_id": [place.person_id],
            "benefit_record": [place.benefit_record],
        },
        schema={"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16},
    )
    through = date(begin.year, 12, 31)
    pays, _ = own_pays_of(connection, owner, rulebook, begin, through, statuses=AT_WORK)
    mine = pays.filter(pl.col("ends_on").is_between(begin, through)).with_columns(
        period_flags=pl.lit(period_flags)
    )
    return PaysLeft(count=mine.filter(is_flag_on()).height)
