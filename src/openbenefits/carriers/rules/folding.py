"""What a carrier holds after it took what was said: changes applied one by one, or a full list put in place.

This is how a carrier view moves on: only by what was accepted. It knows nothing of how a difference is found.
"""

from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.rules.differences import ADD, CHANGE, END, KEY, REINSTATE
from openbenefits.carriers.rules.views import COVER, LINE, MEMBER, View, covered_people, view

DAY = timedelta(days=1)


def after_changes(told: View, people: pl.DataFrame, lines: pl.DataFrame) -> View:
    """Answer the view of a carrier that has taken some changes.

    Shapes: people as PEOPLE, of everybody the changes speak of; lines as CHANGES. Steps are taken one after
            the other: the first of every line at once, then the second.
    """
    cover = told.cover
    for step in sorted(lines["step"].unique()):
        cover = _after(cover, lines.filter(step=step))
    kept = told.people.join(people, on=list(MEMBER), how="anti")
    both = pl.concat([kept, people.select(kept.columns)])
    return view(covered_people(both, cover), cover)


def after_list(told: View, listed: View, *, on: date) -> View:
    """Answer the view of a carrier that put a full list in place of what it held.

    What had ended before the day of the list and is not on it stays known.
    """
    ended = told.cover.filter((pl.col("ends_on") < on).fill_null(value=False))
    cover = pl.concat([ended.join(listed.cover, on=list(KEY), how="anti"), listed.cover])
    others = told.people.join(listed.people, on=list(MEMBER), how="anti")
    people = covered_people(pl.concat([others, listed.people]), cover)
    return View(
        people=people.sort(MEMBER), cover=cover.sort(KEY)
    )  # a list states its first days: none is joined


def _after(cover: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Take one step of each line."""
    ends = rows.filter(pl.col("action") == END).select(*KEY, said_ends_on="ends_on", said_cause="cause")
    cover = cover.join(ends, on=list(KEY), how="left").with_columns(
        ends_on=pl.coalesce("said_ends_on", "ends_on"), end_cause=pl.coalesce("said_cause", "end_cause")
    )
    cover = cover.filter((pl.col("ends_on") >= pl.col("begins_on")).fill_null(value=True)).select(list(COVER))
    opens = rows.filter(pl.col("action").is_in([ADD, CHANGE, REINSTATE])).with_columns(
        end_cause=pl.lit(None, dtype=pl.String)
    )
    changed = rows.filter(pl.col("action") == CHANGE).select(*LINE, cut_on=pl.col("begins_on"))
    cover = cover.join(changed, on=list(LINE), how="left")
    runs = (pl.col("begins_on") < pl.col("cut_on")) & (pl.col("ends_on") >= pl.col("cut_on")).fill_null(
        value=True
    )
    cover = cover.with_columns(
        ends_on=pl.when(runs.fill_null(value=False)).then(pl.col("cut_on") - DAY).otherwise("ends_on")
    )
    rest = cover.join(opens, on=list(KEY), how="anti").select(list(COVER))
    return pl.concat([rest, opens.select(list(COVER))])
