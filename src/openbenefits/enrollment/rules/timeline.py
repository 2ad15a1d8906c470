"""The coverage timeline: which change points a settled event adds, and which it supersedes.

A point holds from its day until the next, so overlap cannot be written down. A result that says what already
holds adds nothing; one of the same day supersedes the point of that day; an ending takes the points after it
along. Sources: design §1.1, rulings §1.2, §3; event-processing §10.5.
"""

import polars as pl

from openbenefits.core.codes import ChangeKind

POINT_KEY = ("client_id", "person_id", "benefit_record", "plan_type", "slot")
CONTENT = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    *("after_tax_thousandths", "hours_hundredths", "members", "funds", "beneficiaries"),
)
COVERED = [str(ChangeKind.ELECTED), str(ChangeKind.DEFAULTED)]
ENDING = [str(ChangeKind.TERMINATED), str(ChangeKind.INELIGIBLE), str(ChangeKind.NEVER_ENROLLED)]


def timeline_changes(results: pl.DataFrame, existing: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare what shall hold with what holds.

    Shapes:  results has POINT_KEY, begins_on, kind, CONTENT (members and funds as texts in a fixed order) and
             ends_all (later points go too); existing has the points that hold, with version. Answers the
             results to insert, with their version, and the keys of the points to supersede.
    """
    results = results.sort(*POINT_KEY, "begins_on").unique([*POINT_KEY, "begins_on"], keep="last")
    said = [*POINT_KEY, "begins_on", "kind", *CONTENT]
    repeated = results.join(existing, on=said, how="semi", nulls_equal=True)
    replaced = _superseded(results, repeated, existing)
    results = results.join(existing, on=said, how="anti", nulls_equal=True)
    standing = existing.join(replaced, on=[*POINT_KEY, "begins_on", "version"], how="anti")
    before = _before(results, standing)
    new = before.filter(~_says_the_same()).select(results.columns)
    return _with_version(new, existing), replaced


def _superseded(results: pl.DataFrame, repeated: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Points of the same day, unless they say the same, and all later ones of an ending of everything."""
    key = [*POINT_KEY, "begins_on"]
    pairs = existing.select(*POINT_KEY, "begins_on", "version").join(
        results.select(*POINT_KEY, result_begins_on="begins_on", ends_all="ends_all"), on=POINT_KEY
    )
    same_day = pl.col("begins_on") == pl.col("result_begins_on")
    later = pl.col("ends_all") & (pl.col("begins_on") > pl.col("result_begins_on"))
    found = pairs.filter(same_day | later).select(*key, "version").unique()
    return found.join(repeated.select(key), on=key, how="anti")


def _before(results: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Add what holds on the day of each result, as held_*; results of one event see one another."""
    columns = [*POINT_KEY, "begins_on", "kind", *CONTENT]
    points = pl.concat([standing.select(columns), results.select(columns)]).sort(*POINT_KEY, "begins_on")
    held = points.with_columns(
        *(pl.col(name).shift(1).over(POINT_KEY).alias(f"held_{name}") for name in ("kind", *CONTENT))
    )
    return results.join(
        held.select(*POINT_KEY, "begins_on", "^held_.*$"), on=[*POINT_KEY, "begins_on"], how="left"
    )


def _says_the_same() -> pl.Expr:
    """Whether a result adds nothing to what holds."""
    both_covered = pl.col("kind").is_in(COVERED) & pl.col("held_kind").is_in(COVERED).fill_null(value=False)
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"held_{name}")) for name in CONTENT)
    held_nothing = pl.col("held_kind").is_null() | pl.col("held_kind").is_in(ENDING)
    ends_nothing = pl.col("kind").is_in(ENDING) & held_nothing
    first_ever = pl.col("held_kind").is_null() & (pl.col("kind") == ChangeKind.NEVER_ENROLLED)
    waived_again = (pl.col("kind") == ChangeKind.WAIVED) & (pl.col("held_kind") == ChangeKind.WAIVED)
    return (both_covered & equal) | (ends_nothing & ~first_ever) | waived_again.fill_null(value=False)


def _with_version(new: pl.DataFrame, existing: pl.DataFrame) -> pl.DataFrame:
    """Number the versions of a day."""
    key = [*POINT_KEY, "begins_on"]
    highest = existing.group_by(key).agg(highest=pl.col("version").max())
    numbered = new.join(highest, on=key, how="left").with_columns(
        version=(pl.col("highest").fill_null(0) + 1).cast(pl.Int32)
    )
    return numbered.drop("highest")
