"""The difference of what a carrier was told and what holds, line by line: what is to be said of each span.

A span opens with 021 (add), 025 (reinstate) or 001 (change), and ends with 024: an end is always said
explicitly, but where a change of the same plan takes over on the day after. What a carrier was told and
never was is void. Nothing is remembered of messages: only the two views are compared, so what was entered
and withdrawn between two files is never said. Source: carrier-feeds §4.
"""

from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.rules.views import (
    COBRA,
    CONTENT,
    COVER,
    LINE,
    View,
    last_days,
    line_number,
    previous,
)

ADD, CHANGE, END, REINSTATE = "021", "001", "024", "025"
ANOTHER_DOCTOR = "doctor change"
RENEWALS = ("renewal", "open enrolment")
DAY = timedelta(days=1)
KEY = (*LINE, "begins_on")

CHANGES = {
    **{name: COVER[name] for name in ("subscriber", "member", "line")},
    "step": pl.Int32,
    "action": pl.String,
    "kind": pl.String,
    **{name: COVER[name] for name in ("begins_on", "ends_on", *CONTENT, "provider")},
    "cause": pl.String,
    "is_void": pl.Boolean,
    "is_leaving": pl.Boolean,
}
"""A thing to be said of a member's line, in the order of its steps.

action: HD01. kind: what it is in words: add, plan change, renewal, tier change, amount change, doctor
change, cobra, basis change, reinstated, reinstated after a gap, correction, begin moved, drop, end earlier,
end later, void.
ends_on: of 024 only; the day before the first where it is void. is_leaving: once for each member and
line that ends sooner than the carrier thinks, or for good.
"""


def difference(told: View, wanted: View, *, since: date | None = None) -> pl.DataFrame:
    """List what is to be said of lines, as CHANGES, by family, member, line and step.

    Shapes: told and wanted as `views.view` makes them. since: a span that ended before this day, of which
            only one side knows, is let be.
    """
    known, held = _recent(told.cover, wanted.cover, since), _recent(wanted.cover, told.cover, since)
    opened = _opened(known, held)
    rows = [_voids(known, held, opened), _openings(opened), _ends(known, held, opened)]
    found = pl.concat([one.select(_SAID) for one in rows]).sort(*LINE, "phase", "begins_on", "turn")
    numbered = found.with_columns(step=pl.int_range(1, pl.len() + 1).over(LINE))
    marked = _with_leaving(numbered, known, held)
    return marked.select(pl.col(name).cast(kind) for name, kind in CHANGES.items())


_SAID = (
    *LINE,
    "action",
    "kind",
    "begins_on",
    "ends_on",
    *CONTENT,
    "provider",
    "cause",
    "is_void",
    "phase",
    "turn",
)


def _recent(rows: pl.DataFrame, others: pl.DataFrame, since: date | None) -> pl.DataFrame:
    """Leave out old spans of which the other side does not know."""
    if since is None:
        return rows
    is_old = (pl.col("ends_on") < since).fill_null(value=False)
    old = rows.filter(is_old).join(others, on=list(KEY), how="semi")
    return pl.concat([rows.filter(~is_old), old]).sort(KEY)


def _opened(known: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Find spans that must be opened, or said anew, and how: `action`, `kind`; `was_known` by their day."""
    before = {f"before_{name}": previous(name) for name in ("ends_on", *CONTENT)}
    rows = held.sort(KEY).with_columns(number=line_number(), **before)
    rows = rows.with_columns(
        had_basis=(pl.col("begins_on") > pl.col("begins_on").min().over("number", "basis"))
    )
    said = (*CONTENT, "provider")
    was = known.select(*KEY, was_known=pl.lit(value=True), **{f"was_{name}": pl.col(name) for name in said})
    rows = rows.join(was, on=list(KEY), how="left").with_columns(pl.col("was_known").fill_null(value=False))
    differs = ~pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"was_{name}")) for name in CONTENT)
    names_another = pl.col("provider").ne_missing(pl.col("was_provider")) & pl.col("provider").is_not_null()
    lines = known.select(LINE).unique().with_columns(is_line_known=pl.lit(value=True))
    rows = rows.with_columns(is_remade=differs).filter(~pl.col("was_known") | differs | names_another)
    action, kind = _how()
    rows = rows.join(lines, on=list(LINE), how="left")
    return rows.with_columns(action=action, kind=kind).sort(KEY)


def _how() -> tuple[pl.Expr, pl.Expr]:
    """Say how a span is opened: by what stood there, by what ends the day before, or by a gap before it."""
    has_before = pl.col("before_ends_on").is_not_null()
    follows = has_before & (pl.col("before_ends_on") + DAY == pl.col("begins_on"))
    is_renewed = pl.col("cause").is_in(RENEWALS).fill_null(value=False)

    def same(name: str, side: str) -> pl.Expr:
        return pl.col(name).eq_missing(pl.col(f"{side}_{name}"))

    remade = ~(same("basis", "was") & same("plan", "was"))
    moved = ~(same("basis", "before") & same("plan", "before"))
    returns = pl.col("is_line_known").fill_null(value=False) & pl.col("had_basis")
    action = (
        pl.when(pl.col("was_known"))
        .then(pl.when(remade).then(pl.lit(ADD)).otherwise(pl.lit(CHANGE)))
        .when(follows & ~moved)
        .then(pl.lit(CHANGE))
        .when(has_before & ~follows & returns)
        .then(pl.lit(REINSTATE))
        .otherwise(pl.lit(ADD))
    )
    of_basis = pl.when(pl.col("basis") == COBRA).then(pl.lit("cobra")).otherwise(pl.lit("basis change"))
    kind = (
        pl.when(pl.col("was_known"))
        .then(pl.when("is_remade").then(pl.lit("correction")).otherwise(pl.lit(ANOTHER_DOCTOR)))
        .when(~has_before)
        .then(pl.when(pl.col("basis") == COBRA).then(pl.lit("cobra")).otherwise(pl.lit("add")))
        .when(~follows & returns)
        .then(pl.lit("reinstated after a gap"))
        .when(~same("basis", "before"))
        .then(of_basis)
        .when(~follows)
        .then(pl.lit("add"))
        .when(is_renewed)
        .then(pl.lit("renewal"))
        .when(~same("plan", "before"))
        .then(pl.lit("plan change"))
        .when(~same("tier", "before"))
        .then(pl.lit("tier change"))
        .otherwise(pl.lit("amount change"))
    )
    return action, kind


def _voids(known: pl.DataFrame, held: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Take back spans that never were: no longer there, or of another plan from the same day."""
    gone = known.join(held, on=list(KEY), how="anti")
    remade = opened.filter(pl.col("was_known") & (pl.col("action") == ADD))
    remade = known.join(remade.select(*KEY), on=list(KEY), how="semi")
    moved = opened.filter(~pl.col("was_known")).select(*LINE, "plan", "basis").unique()
    moved = moved.with_columns(is_moved=pl.lit(value=True))
    rows = gone.join(moved, on=[*LINE, "plan", "basis"], how="left", nulls_equal=True)
    kind = pl.when("is_moved").then(pl.lit("begin moved")).otherwise(pl.lit("void"))
    both = pl.concat(
        [rows.with_columns(kind=kind).drop("is_moved"), remade.with_columns(kind=pl.lit("correction"))]
    )
    return both.with_columns(
        action=pl.lit(END),
        ends_on=pl.col("begins_on") - DAY,
        cause=pl.lit(None, dtype=pl.String),
        is_void=pl.lit(value=True),
        phase=pl.lit(0),
        turn=pl.lit(0),
    )


def _openings(opened: pl.DataFrame) -> pl.DataFrame:
    """Say each span that opens, without its end."""
    return opened.with_columns(
        ends_on=pl.lit(None, dtype=pl.Date), is_void=pl.lit(value=False), phase=pl.lit(1), turn=pl.lit(0)
    )


def _ends(known: pl.DataFrame, held: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Say ends that differ from those told, or belong to a span said anew; one taken back reinstates."""
    was = known.select(*KEY, was_known=pl.lit(value=True), was_ends_on="ends_on")
    said = opened.select(*KEY, is_opened=pl.lit(value=True))
    rows = held.join(was, on=list(KEY), how="left").join(said, on=list(KEY), how="left")
    after = opened.select(
        *LINE,
        ends_on=pl.col("begins_on") - DAY,
        after_action="action",
        after_kind="kind",
        after_cause="cause",
    )
    rows = rows.join(after, on=[*LINE, "ends_on"], how="left")
    opens_anew = pl.col("is_opened").fill_null(value=False)
    differs = ~pl.col("ends_on").eq_missing(pl.col("was_ends_on"))
    rows = rows.filter((opens_anew & pl.col("ends_on").is_not_null()) | (~opens_anew & differs))
    runs_on = opens_anew | pl.col("was_ends_on").is_null() | (pl.col("was_ends_on") > pl.col("ends_on"))
    is_cut = (pl.col("after_action") == CHANGE).fill_null(value=False) & runs_on
    goes_on = pl.col("ends_on").is_null()
    return rows.filter(~is_cut).with_columns(
        action=pl.when(goes_on).then(pl.lit(REINSTATE)).otherwise(pl.lit(END)),
        kind=_end_kind(),
        cause=pl.when(goes_on)
        .then(pl.lit(None, dtype=pl.String))
        .otherwise(pl.coalesce("end_cause", "after_cause")),
        is_void=pl.lit(value=False),
        phase=pl.lit(1),
        turn=pl.lit(1),
    )


def _end_kind() -> pl.Expr:
    was, ends = pl.col("was_ends_on"), pl.col("ends_on")
    return (
        pl.when(ends.is_null())
        .then(pl.lit("reinstated"))
        .when(pl.col("after_kind").is_in(["plan change", "renewal", "cobra", "basis change"]))
        .then(pl.col("after_kind"))
        .when(was > ends)
        .then(pl.lit("end earlier"))
        .when(was < ends)
        .then(pl.lit("end later"))
        .otherwise(pl.lit("drop"))
    )


def _with_leaving(rows: pl.DataFrame, known: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Mark the one row that says a member leaves a line: its last end, else the first void after it."""
    told = last_days(known, *LINE).rename({"last_on": "told_last_on"})
    last = last_days(held, *LINE).with_columns(is_held=pl.lit(value=True))
    lines = told.join(last, on=list(LINE), how="left")
    leaves = pl.col("is_held").is_null() | (
        pl.col("last_on").is_not_null()
        & (pl.col("told_last_on").is_null() | (pl.col("told_last_on") > pl.col("last_on")))
    )
    leaving = lines.filter(leaves).select(*LINE, "last_on", leaves=pl.lit(value=True))
    rows = rows.join(leaving, on=list(LINE), how="left", maintain_order="left")
    is_last_end = (pl.col("action") == END) & ~pl.col("is_void") & (pl.col("ends_on") == pl.col("last_on"))
    is_later = pl.col("is_void") & (pl.col("begins_on") > pl.col("last_on")).fill_null(value=True)
    rank = pl.when(is_last_end).then(0).when(is_later).then(1)
    rows = rows.with_columns(rank=pl.when("leaves").then(rank))
    first = (
        rows.filter(pl.col("rank").is_not_null())
        .sort(*LINE, "rank", "step")
        .unique(LINE, keep="first", maintain_order=True)
        .select(*LINE, "step", is_leaving=pl.lit(value=True))
    )
    rows = rows.join(first, on=[*LINE, "step"], how="left", maintain_order="left")
    return rows.with_columns(pl.col("is_leaving").fill_null(value=False))
