"""Two frames laid beside one another: here only, there only, different, equal; nothing left out."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import polars as pl

ABOUT = ("person_id", "employee")
BETWEEN = " · "


class Bucket(StrEnum):
    """Where a row of either side falls."""

    HERE_ONLY = "here only"
    THERE_ONLY = "there only"
    DIFFERENT = "different"
    EQUAL = "equal"


BUCKETS = tuple(Bucket)
COMPARED = {
    "key": pl.String,
    "person_id": pl.Int64,
    "employee": pl.String,
    "bucket": pl.String,
    "here": pl.String,
    "there": pl.String,
    "fields": pl.List(pl.String),
    "note": pl.String,
}
"""A compared row. Its note is no part of the difference: it may change, and what was accepted stays so."""


def compare(
    here: pl.DataFrame, there: pl.DataFrame, *, key: Sequence[str], columns: Mapping[str, int | None]
) -> pl.DataFrame:
    """Lay two frames beside one another.

    Shapes:  both have the key and the columns, and may have person_id and employee; a key that stands several
             times in one of them is numbered, so that no row is lost. The result is as COMPARED, a row for
             each key of either.
    Units:   columns: how far two whole numbers may be apart and still be equal; None: they must be the same.
    Missing: null equals null, and nothing else; blank text is null.
    """
    names = list(columns)
    ours, theirs = (_numbered(_plain(side, key, names), key) for side in (here, there))
    both = [*key, "_number"]
    joined = ours.join(theirs, on=both, how="full", coalesce=True, suffix="_there", nulls_equal=True)
    is_here, is_there = pl.col("_is").is_not_null(), pl.col("_is_there").is_not_null()
    differs = {name: _differs(name, tolerance) for name, tolerance in columns.items()}
    wrong = [pl.when(is_here & is_there & one).then(pl.lit(name)) for name, one in differs.items()]
    none = pl.lit([], dtype=pl.List(pl.String))
    fields = pl.concat_list(wrong).list.drop_nulls() if wrong else none
    bucket = (
        pl.when(~is_there)
        .then(pl.lit(str(Bucket.HERE_ONLY)))
        .when(~is_here)
        .then(pl.lit(str(Bucket.THERE_ONLY)))
        .when(pl.col("fields").list.len() > 0)
        .then(pl.lit(str(Bucket.DIFFERENT)))
        .otherwise(pl.lit(str(Bucket.EQUAL)))
    )
    about = [pl.coalesce(name, f"{name}_there").alias(name) for name in ABOUT if name not in key]
    found = joined.with_columns(fields=fields).with_columns(
        *about,
        bucket=bucket,
        key=_text([*key, "_number"]),
        here=pl.when(is_here).then(_said(names, "")),
        there=pl.when(is_there).then(_said(names, "_there")),
        note=pl.lit(None, pl.String),
    )
    return found.select(list(COMPARED)).sort("bucket", "key")


def _plain(side: pl.DataFrame, key: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Keep what is compared; blank texts are nothing."""
    missing = {"person_id": pl.Int64, "employee": pl.String}
    full = side.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in missing.items() if name not in side.columns
    )
    wanted = list(dict.fromkeys([*key, *names, *ABOUT]))
    texts = [name for name in wanted if full.schema[name] == pl.String]
    return full.select(wanted).with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in texts
    )


def _numbered(side: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    number = pl.int_range(pl.len()).over(list(key))
    return side.with_columns(_number=number, _is=pl.lit(value=True))


def _differs(name: str, tolerance: int | None) -> pl.Expr:
    ours, theirs = pl.col(name), pl.col(f"{name}_there")
    if tolerance is None:
        return ours.ne_missing(theirs)
    apart = (ours - theirs).abs() > tolerance
    return pl.when(ours.is_null() | theirs.is_null()).then(ours.ne_missing(theirs)).otherwise(apart)


def _said(names: Sequence[str], suffix: str) -> pl.Expr:
    """Say the columns of one side in words: 'status A · tier EE'."""
    parts = [
        pl.concat_str(pl.lit(f"{name} "), pl.col(f"{name}{suffix}").cast(pl.String).fill_null("–"))
        for name in names
    ]
    return pl.concat_str(parts, separator=BETWEEN) if parts else pl.lit("yes")


def _text(names: Sequence[str]) -> pl.Expr:
    *keys, number = names
    text = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in keys], separator="|")
    more = pl.when(pl.col(number) > 0).then(pl.lit("#") + (pl.col(number) + 1).cast(pl.String))
    return text + more.fill_null("")


def counts(rows: pl.DataFrame) -> dict[str, int]:
    """Count the rows of each bucket; every bucket is named."""
    found = dict(rows.group_by("bucket").len().iter_rows())
    return {str(bucket): int(found.get(str(bucket), 0)) for bucket in BUCKETS}
