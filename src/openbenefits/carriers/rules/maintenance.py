"""What is said of each person: the maintenance action and reason (INS03, INS04), from what is said of lines.

A person is said once for each basis of coverage: who goes from active coverage to COBRA is ended as active
and added under COBRA. Sources: carrier-feeds §3.1, §4.
"""

from datetime import date

import polars as pl

from openbenefits.carriers.rules.differences import ADD, ANOTHER_DOCTOR, CHANGE, END, REINSTATE
from openbenefits.carriers.rules.views import (
    ACTIVE,
    AGREED,
    COBRA,
    IDENTITY,
    MEMBER,
    PEOPLE,
    PERSONAL,
    PLACE,
    View,
    last_days,
)

BEGIN_REASONS = {
    "birth": "02",
    "adoption": "05",
    "marriage": "32",
    "hire": "28",
    "initial": "28",
    "open enrolment": "41",
    "renewal": "41",
    "rehire": "41",
    "return from leave": "20",
    "disability": "21",
    "selection": "29",
    "move": "43",
    "transfer": "XT",
}
END_REASONS = {
    "divorce": "01",
    "death": "03",
    "retirement": "04",
    "strike": "06",
    "over age": "07",
    "ineligible": "07",
    "hours": "07",
    "employment": "08",
    "unpaid": "59",
    "waived": "14",
    "quit": "16",
    "dismissed": "17",
    "suspended": "18",
    "separation": "31",
    "leave with benefits": "37",
    "leave": "38",
    "layoff": "40",
    "transfer": "XT",
}
COBRA_EVENTS = {
    "employment": "1",
    "quit": "1",
    "dismissed": "1",
    "hours": "2",
    "medicare": "3",
    "death": "4",
    "divorce": "5",
    "separation": "6",
    "over age": "7",
    "bankruptcy": "8",
    "layoff": "9",
    "leave": "10",
}
"""Why something begins or ends, as INS04; and what COBRA follows from, as INS07."""

KIND_REASONS = {ANOTHER_DOCTOR: "15", "plan change": "22", "renewal": "41", "cobra": "09", "reinstated": "20"}
KINDS_FIRST = (
    *("plan change", "renewal", "cobra", "basis change", "add", "reinstated", "reinstated after a gap"),
    *("tier change", "amount change", "correction", "begin moved", ANOTHER_DOCTOR),
    *("drop", "end earlier", "end later", "void"),
)
"""Where several things are said of a person, the reason is that of the kind that comes first here."""

INITIAL, SELECTION, REENROLLED, ENDED = "28", "29", "41", "07"
IDENTIFYING, MOVED, PERSONNEL = "25", "43", "33"

SAID = {
    **{name: PEOPLE[name] for name in MEMBER},
    "turn": pl.Int32,
    "basis": pl.String,
    "action": pl.String,
    "reason": pl.String,
    "cobra_event": pl.String,
    "is_corrected": pl.Boolean,
    **{name: kind for name, kind in PEOPLE.items() if name not in MEMBER},
    **{f"was_{name}": PEOPLE[name] for name in IDENTITY},
}
"""A person as one INS: the subscriber before dependents, what ends before what begins (turn).

is_corrected: what identifies the person was told otherwise (NM101 is 74, the former identity in was_*).
"""


def maintained(told: View, wanted: View, changes: pl.DataFrame, *, on: date | None = None) -> pl.DataFrame:
    """Say each person about whom something is to be said, as SAID.

    Shapes: told and wanted as `views.view`; changes as `differences.difference` found between them. on: of
            who is covered neither on this day nor later, nothing is said that concerns him alone.
    """
    people = _with_former(told, wanted)
    loops = _judged(changes, told, wanted)
    altered = people.filter(pl.col("alteration").is_not_null()).select(*MEMBER)
    basis = _bases(wanted, on)
    silent = altered.join(basis, on=list(MEMBER)).join(loops, on=[*MEMBER, "basis"], how="anti")
    silent = silent.with_columns(action=pl.lit(CHANGE), turn=pl.lit(1, dtype=pl.Int32))
    rows = pl.concat([loops, silent], how="diagonal").join(people, on=list(MEMBER), how="left")
    rows = rows.with_columns(
        reason=pl.coalesce("reason", "alteration"),
        is_corrected=pl.col("is_corrected").fill_null(value=False),
    )
    rows = rows.sort("subscriber", pl.col("subscriber") != pl.col("member"), "member", "turn", "basis")
    return rows.select(pl.col(name).cast(kind) for name, kind in SAID.items())


def _bases(wanted: View, on: date | None) -> pl.DataFrame:
    """Answer the basis of everybody who is covered on a day or later; who covers only others is active."""
    lasts = pl.lit(value=True) if on is None else (pl.col("ends_on") >= on).fill_null(value=True)
    held = wanted.cover.filter(lasts).sort("begins_on")
    own = held.group_by(MEMBER).agg(basis=pl.col("basis").last())
    owners = held.select("subscriber", member="subscriber").unique().join(own, on=list(MEMBER), how="anti")
    return pl.concat([own, owners.with_columns(basis=pl.lit(ACTIVE)).select(own.columns)])


def with_cobra_events(said: pl.DataFrame, *views: View) -> pl.DataFrame:
    """Say of everybody under continuation what it follows from, whatever is said of him: SAID to SAID."""
    is_cobra = pl.col("basis") == COBRA
    word = pl.col("cause").replace_strict(COBRA_EVENTS, default=None, return_dtype=pl.String)
    known = pl.concat([one.cover.filter(is_cobra).select(*MEMBER, event=word) for one in views])
    first = known.drop_nulls().unique(MEMBER, keep="first", maintain_order=True)
    rows = said.join(first, on=list(MEMBER), how="left", maintain_order="left")
    event = pl.when(is_cobra).then(pl.coalesce("cobra_event", "event"))
    return rows.with_columns(cobra_event=event).drop("event")


def _with_former(told: View, wanted: View) -> pl.DataFrame:
    """Answer everybody as wanted (who is gone: as told), with the former identity and what altered."""
    gone = told.people.join(wanted.people, on=list(MEMBER), how="anti")
    named = (*IDENTITY, *PLACE, *PERSONAL, *AGREED)
    told_anew = pl.any_horizontal(
        pl.col(one).is_not_null() & ~pl.col(one).eq_missing(pl.col(f"was_{one}")) for one in AGREED
    )
    was = told.people.select(*MEMBER, is_told=pl.lit(value=True), **{f"was_{one}": one for one in named})
    rows = pl.concat([wanted.people, gone]).join(was, on=list(MEMBER), how="left")

    def altered(names: tuple[str, ...]) -> pl.Expr:
        return pl.col("is_told") & pl.any_horizontal(
            ~pl.col(one).eq_missing(pl.col(f"was_{one}")) for one in names
        )

    wrong = [pl.col(one).ne(pl.col(f"was_{one}")).fill_null(value=False) for one in IDENTITY]
    return rows.with_columns(
        is_corrected=pl.any_horizontal(wrong),
        alteration=pl.when(altered(IDENTITY))
        .then(pl.lit(IDENTIFYING))
        .when(altered(PLACE))
        .then(pl.lit(MOVED))
        .when(altered(PERSONAL) | (pl.col("is_told") & told_anew))
        .then(pl.lit(PERSONNEL)),
    )


def _judged(changes: pl.DataFrame, told: View, wanted: View) -> pl.DataFrame:
    """Say action, reason and turn of each person and basis of which lines speak."""
    loop = [*MEMBER, "basis"]
    rank = pl.col("kind").replace_strict(
        {kind: at for at, kind in enumerate(KINDS_FIRST)}, return_dtype=pl.Int32
    )
    rows = changes.with_columns(rank=rank).sort(*loop, "rank", "line", "step")
    opening = pl.col("action") != END
    found = rows.group_by(loop, maintain_order=True).agg(
        kind=pl.col("kind").first(),
        only_ends=~opening.any(),
        begin_cause=pl.col("cause").filter(opening).drop_nulls().first(),
        end_cause=pl.col("cause").filter(~opening).drop_nulls().first(),
    )
    known = (
        last_days(told.cover, *loop)
        .rename({"last_on": "told_last_on"})
        .with_columns(is_known=pl.lit(value=True))
    )
    held = last_days(wanted.cover, *loop).with_columns(is_held=pl.lit(value=True))
    found = found.join(known, on=loop, how="left").join(held, on=loop, how="left")
    found = found.with_columns(action=_action()).with_columns(reason=_reason())
    begin = pl.col("begin_cause").replace_strict(COBRA_EVENTS, default=None, return_dtype=pl.String)
    return found.select(
        *loop,
        "action",
        "reason",
        cobra_event=pl.when(pl.col("basis") == "C").then(begin),
        turn=pl.when(pl.col("action") == END).then(0).otherwise(1).cast(pl.Int32),
    )


def _action() -> pl.Expr:
    """New to the carrier; ended for good; back after an end; else a change."""
    closes = pl.col("is_held").is_null() | pl.col("last_on").is_not_null()
    resumes = pl.col("told_last_on").is_not_null() & (
        pl.col("last_on").is_null() | (pl.col("last_on") > pl.col("told_last_on"))
    )
    moves = ~pl.col("last_on").eq_missing(pl.col("told_last_on"))
    return (
        pl.when(pl.col("is_known").is_null())
        .then(pl.lit(ADD))
        .when(pl.col("only_ends") & closes & (moves | pl.col("is_held").is_null()))
        .then(pl.lit(END))
        .when(~pl.col("only_ends") & pl.col("is_held").is_not_null() & resumes)
        .then(pl.lit(REINSTATE))
        .otherwise(pl.lit(CHANGE))
    )


def _reason() -> pl.Expr:
    """The reason of the kind, else of the cause, else of the action."""
    begins = pl.col("begin_cause").replace_strict(BEGIN_REASONS, default=None, return_dtype=pl.String)
    ends = pl.col("end_cause").replace_strict(END_REASONS, default=None, return_dtype=pl.String)
    by_kind = pl.col("kind").replace_strict(KIND_REASONS, default=None, return_dtype=pl.String)
    is_own = pl.col("subscriber") == pl.col("member")
    added = pl.when(is_own).then(pl.lit(INITIAL)).otherwise(pl.lit(SELECTION))
    by_action = pl.col("action").replace_strict(
        {END: ENDED, REINSTATE: REENROLLED, CHANGE: SELECTION}, default=None, return_dtype=pl.String
    )
    return (
        pl.when(pl.col("action") == END)
        .then(pl.coalesce(ends, by_action))
        .when(pl.col("kind") == "cobra")
        .then(by_kind)
        .when(pl.col("action") == ADD)
        .then(pl.coalesce(begins, added))
        .when(pl.col("only_ends"))
        .then(pl.coalesce(ends, by_kind, by_action))
        .otherwise(pl.coalesce(by_kind, begins, by_action))
    )
