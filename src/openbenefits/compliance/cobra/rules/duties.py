"""What became of duties: new ones, changed ones, and those whose loss has never been (decision 0012)."""

import polars as pl

from openbenefits.compliance.cobra.rules.causes import QUALIFIES
from openbenefits.compliance.cobra.rules.clocks import CLOCKS
from openbenefits.compliance.cobra.rules.losses import LOSS_KEY

DUE, WITHDRAWN, TO_CORRECT = "due", "withdrawn", "to be corrected"
DECIDED, NOTICED, CORRECTED = "decided", "noticed", "corrected"
"""What people did: decided, sent the election notice, or sent a correcting one."""
FOLLOWED = "followed"
"""Two person ids were one human, or no longer: what was done until then counts under the other id."""

NEVER_WAS = "the loss has never been: the coverage goes on, or ends on another day"
NO_LONGER = "the loss qualifies no longer: {}"
CORRECTING = "; a notice was sent, send a correcting one"

CONTENT = ("state", "cause", "reason", "happened_on", "last_covered_on", *CLOCKS, "source")
"""What a version of a duty says."""


def acts_that_count(acts: pl.DataFrame) -> pl.DataFrame:
    """Leave out what was done about a loss before it counted under another person id (FOLLOWED).

    Shapes: acts has LOSS_KEY, number and kind.
    """
    followed = acts.filter(kind=FOLLOWED).group_by(LOSS_KEY).agg(followed=pl.col("number").max())
    both = acts.join(followed, on=list(LOSS_KEY), how="left", maintain_order="left")
    return both.filter(pl.col("number") > pl.col("followed").fill_null(0)).drop("followed")


def duties(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the duties of classified losses: LOSS_KEY and CONTENT.

    Where the last notice told another cause or another last day, a correcting one is due.
    """
    due = rows.filter(pl.col("verdict") == QUALIFIES)
    is_told = pl.col("told_through").is_not_null()
    same = (pl.col("told_through") == pl.col("continues_through")) & (pl.col("told_cause") == pl.col("cause"))
    is_wrong = is_told & ~same.fill_null(value=False)
    due = due.with_columns(
        state=pl.when(is_wrong).then(pl.lit(TO_CORRECT)).otherwise(pl.lit(DUE)),
        reason=pl.when(is_wrong).then(pl.col("reason") + pl.lit(CORRECTING)).otherwise("reason"),
    )
    return due.select(*LOSS_KEY, *CONTENT)


def duty_changes(
    wanted: pl.DataFrame, standing: pl.DataFrame, rows: pl.DataFrame, noticed: pl.DataFrame
) -> pl.DataFrame:
    """Answer the versions to write: none where nothing changed.

    A duty whose loss is gone, or qualifies no longer, is withdrawn; if its notice was sent, a correcting one
    is due instead. One that comes back is due again. Why it was withdrawn stays said while no loss is there.

    Shapes: wanted as `duties`; standing the last version of each duty, with `version`; rows all classified
            losses; noticed the LOSS_KEY of the notices sent. The result has LOSS_KEY, version, CONTENT.
    """
    key = list(LOSS_KEY)
    last = standing.select(*key, "version", *(pl.col(name).alias(f"{name}_was") for name in CONTENT))
    compared = wanted.join(last, on=key, how="left", maintain_order="left")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_was")) for name in CONTENT)
    changed = compared.filter(differs).select(*key, "version", *CONTENT)
    gone = standing.join(wanted, on=key, how="anti")
    ended = _ended(gone, rows, noticed).join(last.select(*key, "state_was", "reason_was"), on=key)
    tells_more = (pl.col("reason") != pl.col("reason_was")) & (pl.col("reason") != NEVER_WAS)
    is_new = (pl.col("state") != pl.col("state_was")) | tells_more
    both = pl.concat([changed, ended.filter(is_new).select(*key, "version", *CONTENT)])
    return both.with_columns(version=pl.col("version").fill_null(0) + 1).sort(key)


def _ended(gone: pl.DataFrame, rows: pl.DataFrame, noticed: pl.DataFrame) -> pl.DataFrame:
    """Say of duties that are none any more why, and whether somebody has to be told."""
    key = list(LOSS_KEY)
    why = rows.select(*key, now="reason")
    sent = noticed.select(key).unique().with_columns(is_noticed=pl.lit(value=True))
    known = gone.join(why, on=key, how="left").join(sent, on=key, how="left")
    is_noticed = pl.col("is_noticed").fill_null(value=False)
    reason = pl.when(pl.col("now").is_null()).then(pl.lit(NEVER_WAS)).otherwise(pl.format(NO_LONGER, "now"))
    return known.with_columns(
        state=pl.when(is_noticed).then(pl.lit(TO_CORRECT)).otherwise(pl.lit(WITHDRAWN)),
        reason=pl.when(is_noticed).then(reason + pl.lit(CORRECTING)).otherwise(reason),
    )
