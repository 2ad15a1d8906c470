"""Who of a carrier's list is who of ours: by number, SSN, name and birth date; likeness only suggests."""

import polars as pl
from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.fuzz import token_sort_ratio

THEIRS = {
    "row": pl.Int32,
    "family": pl.String,
    "is_subscriber": pl.Boolean,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn": pl.String,
}
"""A member as a carrier lists him; row is his place in the file, family the subscriber number."""

OURS = {
    "subscriber": pl.String,
    "member": pl.String,
    "family": pl.String,
    "is_subscriber": pl.Boolean,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn": pl.String,
}
"""A member of ours, with the number the carrier knows his family by."""

PAIR = {"row": pl.Int32, "subscriber": pl.String, "member": pl.String, "by": pl.String}
LIKE = 80
TYPED = 2
IDENTITY = ("last_name", "first_name", "birth_on", "ssn")

_WAYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("number and SSN", ("family", "ssn")),
    ("number, name and birth date", ("family", "first", "birth_on")),
    ("number and name", ("family", "first", "last")),
    ("number and birth date", ("family", "is_subscriber", "birth_on")),
    ("SSN", ("ssn",)),
    ("name and birth date", ("first", "last", "birth_on")),
)
"""What makes a pair, the surest first. Each fits only where it names one person on either side."""


def folded(name: str) -> pl.Expr:
    """Reduce a name to what is compared: letters without accents, in capitals."""
    bare = pl.col(name).str.normalize("NFKD").str.to_uppercase()
    return bare.str.replace_all(r"[^\p{L}]", "").replace("", None)


def was_issued(name: str) -> pl.Expr:
    """Tell whether an SSN may have been issued: others are never told to a carrier."""
    number = pl.col(name)
    area = number.str.slice(0, 3)
    never = area.is_in(["000", "666"]) | number.str.starts_with("9")
    blank = (number.str.slice(3, 2) == "00") | (number.str.slice(5, 4) == "0000")
    return number.str.contains(r"^[0-9]{9}$") & ~never & ~blank


def matched(theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Pair the members of a carrier's list with ours, as PAIR; who fits nobody, or several, is in no pair.

    Who is listed several times, word for word, is one member.
    """
    who = ["family", "is_subscriber", *IDENTITY]
    once = theirs.with_columns(at=pl.col("row").first().over(who))
    pairs = _matched(theirs.filter(once["row"] == once["at"]), ours)
    return once.select("row", "at").join(pairs, left_on="at", right_on="row").select(list(PAIR))


def _matched(theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    keys = {"first": folded("first_name"), "last": folded("last_name")}
    left, right = theirs.with_columns(**keys), ours.with_columns(**keys)
    found = pl.DataFrame(schema=PAIR)
    for by, key in _WAYS:
        open_left = left.join(found, on="row", how="anti")
        open_right = right.join(found, on=["subscriber", "member"], how="anti")
        pairs = open_left.join(open_right, on=list(key), suffix="_ours")
        once = (pl.len().over("row") == 1) & (pl.len().over("subscriber", "member") == 1)
        single = pairs.filter(once).select("row", "subscriber", "member", by=pl.lit(by))
        found = pl.concat([found, single.select(list(PAIR))])
    return found


def suggested(theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Suggest, for those in no pair, who of ours they may be: row, subscriber, member; nothing more is done.

    Only members of one family, or of one birth date, are compared.
    """
    near = [
        theirs.join(ours.filter(pl.col(key).is_not_null()), on=key, suffix="_ours").select(
            "row",
            "subscriber",
            "member",
            name=pl.concat_str(folded("first_name"), folded("last_name"), separator=" ", ignore_nulls=True),
            ours=pl.concat_str(
                folded("first_name_ours"), folded("last_name_ours"), separator=" ", ignore_nulls=True
            ),
        )
        for key in ("family", "birth_on")
    ]
    pairs = pl.concat(near).unique(["row", "subscriber", "member"])
    scores = [token_sort_ratio(one, other) for one, other in pairs.select("name", "ours").iter_rows()]
    scored = pairs.with_columns(score=pl.Series(scores, dtype=pl.Float64)).filter(pl.col("score") >= LIKE)
    best = scored.sort("score", descending=True).unique("row", keep="first", maintain_order=True)
    return best.select("row", "subscriber", "member")


def identity_differences(pairs: pl.DataFrame) -> pl.DataFrame:
    """List what of the identity of paired members differs: row, subscriber, member, field, how.

    Shapes: pairs has IDENTITY, and the same of ours with the suffix `_ours`. field: SSN, birth date, name.
    Missing: what only one side tells, but an SSN that is told on one side, is no difference.
    """
    found = []
    keys = {"key_first": "first_name", "key_last": "last_name"}
    sides = {f"{key}{side}": folded(f"{name}{side}") for key, name in keys.items() for side in ("", "_ours")}
    rows = pairs.with_columns(**sides)
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_ours")) for name in (*keys, "birth_on", "ssn")
    )
    for row in rows.filter(differs).iter_rows(named=True):
        key = (row["row"], row["subscriber"], row["member"])
        found += [(*key, field, how) for field, how in _identity(row) if how]
    schema = dict.fromkeys(("subscriber", "member", "field", "how"), pl.String)
    return pl.DataFrame(found, schema={"row": pl.Int32, **schema}, orient="row")


def _identity(row: dict[str, object]) -> list[tuple[str, str]]:
    ssn, own = row["ssn"], row["ssn_ours"]
    told = [("SSN", _ssn(str(ssn or ""), str(own or "")))]
    born, own_born = row["birth_on"], row["birth_on_ours"]
    if born is not None and own_born is not None and born != own_born:
        told.append(("birth date", _birth(str(born), str(own_born))))
    names = [
        (str(row[f"key_{part}"] or ""), str(row[f"key_{part}_ours"] or "")) for part in ("first", "last")
    ]
    if any(one != other and one and other for one, other in names):
        near = token_sort_ratio(" ".join(one for one, _ in names), " ".join(other for _, other in names))
        told.append(("name", "spelled differently" if near >= LIKE else "another name"))
    return told


def _ssn(theirs: str, ours: str) -> str:
    if theirs == ours:
        return ""
    if not theirs:
        return "not told there"
    if not ours:
        return "not known here"
    near = DamerauLevenshtein.distance(theirs, ours) <= TYPED
    return "typed differently" if near else "another number"


def _birth(theirs: str, ours: str) -> str:
    year, month, day = ours.split("-")
    if theirs == f"{year}-{day}-{month}":
        return "day and month exchanged"
    near = DamerauLevenshtein.distance(theirs, ours) <= TYPED
    return "typed differently" if near else "another day"
