"""Who the lines of an invoice are about (docs/invoices.md §4).

By keys first, by likeness only for who is left.

Everything but the last three steps is a join; only what no join finds is compared name by name, within a
client.
"""

from dataclasses import dataclass

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from openbenefits.reconcile.rules.names import formal, normal

STEPS: dict[str, tuple[int, str]] = {
    "reference": (100, "confirmed before"),
    "ssn and name": (98, "SSN, with last name or birth date"),
    "employee number": (95, "employee number, with the last name"),
    "name and birth": (95, "names and birth date"),
    "nickname and birth": (92, "last name, birth date, and what the first name is short for"),
    "ssn only": (93, "SSN; the name differs"),
    "last4": (90, "last four of the SSN, with birth date or names"),
    "number alone": (90, "employee number, and nothing else is printed"),
    "likeness and birth": (88, "a like name, and the birth date"),
    "likeness and like birth": (82, "a like name, and a birth date off by a slip"),
    "likeness": (75, "a like name, the only one at the client"),
    "": (0, "nobody found"),
}
"""The steps in their order, surest first: confidence in hundredths, and in words."""

AUTOMATIC, ASKED = 90, 75
LIKE, VERY_LIKE = 92, 95

MATCH = {
    "identity": pl.String,
    "of_client": pl.Int32,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "is_dependent": pl.Boolean,
    "step": pl.String,
    "confidence": pl.Int16,
    "standing": pl.String,
}

_LINE = (
    "identity",
    "client_id",
    "employee_number",
    "ssn_hash",
    "last4_hash",
    "birth_on",
    "last",
    "first",
    "formal",
    "full",
    "number_alone",
)


@dataclass(frozen=True)
class _Step:
    name: str
    on: tuple[str, ...]
    is_sure: bool = True  # else only where one person alone fits


_JOINS = (
    _Step("ssn and name", ("ssn_hash", "last", "first")),
    _Step("ssn and name", ("ssn_hash", "last")),
    _Step("ssn and name", ("ssn_hash", "birth_on")),
    _Step("employee number", ("employee_number", "last")),
    _Step("name and birth", ("last", "first", "birth_on")),
    _Step("ssn only", ("ssn_hash",)),
    _Step("nickname and birth", ("last", "formal", "birth_on")),
    _Step("last4", ("last4_hash", "birth_on"), is_sure=False),
    _Step("last4", ("last4_hash", "last", "initial"), is_sure=False),
    _Step("number alone", ("number_alone",)),
)


def match(lines: pl.DataFrame, known: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """Say of each identity of an invoice, within each client, who it is.

    Shapes:  lines has identity, client_id (null: unknown subgroup), employee_number, ssn_hash, last4_hash,
             birth_on, last_name, first_name; known has the same of people and their dependents, with
             person_id and is_dependent, several rows for who had several names; references has identity,
             client_id, person_id. The result is as MATCH, a row for each identity and client of its lines
             (of_client): standing is matched, ask (person_id: who it may be) or unmatched. What was confirmed
             of one client holds for lines of another if nobody sure is found there.
    """
    is_bare = pl.all_horizontal(pl.col("last_name", "birth_on", "ssn_hash", "last4_hash").is_null())
    bare = lines.with_columns(
        number_alone=pl.when(is_bare).then("employee_number"),
        plain="identity",
        identity=pl.format("{}|{}", pl.col("client_id").fill_null(0), "identity"),
    )
    asked = _prepared(bare).unique("identity", keep="first", maintain_order=True).select(*_LINE, "plain")
    theirs = _prepared(known).with_columns(number_alone="employee_number")
    own, others = _confirmed(asked, references)
    found, rest = [own], asked.join(own, on="identity", how="anti")
    for step in _JOINS:
        hits = _joined(rest, theirs, step)
        found.append(hits)
        rest = rest.join(hits, on="identity", how="anti")
    found.append(others.join(rest, on="identity", how="semi"))
    rest = rest.join(others, on="identity", how="anti")
    found.append(_alike(rest, theirs))
    return _standings(asked, pl.concat([one.select(_FOUND) for one in found], how="vertical_relaxed"))


_FOUND = ("identity", "client_id", "person_id", "is_dependent", "step")


def _confirmed(asked: pl.DataFrame, references: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what persons confirmed: of the client of the lines, and of another."""
    told = asked.select("identity", "plain", own="client_id").join(
        references.select("client_id", "person_id", plain="identity"), on="plain"
    )
    rows = told.with_columns(is_dependent=pl.lit(value=False), step=pl.lit("reference"))
    is_own = (pl.col("own") == pl.col("client_id")).fill_null(value=True)
    return rows.filter(is_own), rows.filter(~is_own)


def _prepared(rows: pl.DataFrame) -> pl.DataFrame:
    named = rows.with_columns(last=normal(pl.col("last_name")), first=normal(pl.col("first_name")))
    named = named.with_columns(
        initial=pl.col("first").str.slice(0, 1),
        full=pl.concat_str("last", pl.col("first").fill_null(""), separator=" "),
    )
    return named.with_columns(  # a compound last name may be printed as one word, or as either of two
        last=pl.col("last").str.replace_all(" ", ""), first=pl.col("first").str.split(" ").list.first()
    ).with_columns(formal=formal(pl.col("first")))


def _joined(rest: pl.DataFrame, theirs: pl.DataFrame, step: _Step) -> pl.DataFrame:
    """Join within the client.

    Where several people fit, the employee comes before dependents, or nobody does.
    """
    key = list(step.on)
    mine = rest.with_columns(initial=pl.col("first").str.slice(0, 1)).drop_nulls(key)
    given = theirs.drop_nulls(key).select("client_id", "person_id", "is_dependent", *key).unique()
    anywhere = mine.select("identity", "client_id", *key).join(given, on=key, suffix="_theirs")
    placed = anywhere.filter(
        (pl.col("client_id") == pl.col("client_id_theirs")) | pl.col("client_id").is_null()
    ).with_columns(client_id="client_id_theirs")
    people = placed.unique(["identity", "person_id"], keep="any")
    several = people.group_by("identity").agg(people=pl.len(), own=(~pl.col("is_dependent")).sum())
    best = placed.sort("is_dependent", "person_id").unique("identity", keep="first", maintain_order=True)
    fits = several.filter((pl.col("people") == 1) | ((pl.col("own") == 1) & pl.lit(step.is_sure)))
    return best.join(fits, on="identity", how="semi").with_columns(step=pl.lit(step.name))


# --- lines of dependents ----------------------------------------------------------------------------------

DEPENDENTS = (
    "spouse",
    "husband",
    "wife",
    "partner",
    "child",
    "son",
    "daughter",
    "dependent",
    "dep",
    "sp",
    "ch",
)
EMPLOYEES = ("self", "subscriber", "employee", "ee", "primary", "18")


def dependents_lines(lines: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """Say of each line whether it is a dependent's: a whole family may be billed under one number.

    As the carrier prints it, else by first name and birth date, else as the identity was found.

    Shapes: lines has person_id, is_dependent (of the identity), relationship, first_name, birth_on; known as
            of `match`.
    """
    theirs = _prepared(known).select("person_id", "is_dependent", "first", "birth_on").drop_nulls().unique()
    hits = theirs.group_by("person_id", "first", "birth_on").agg(by_name=pl.col("is_dependent").all())
    named = _prepared(lines).join(
        hits, on=["person_id", "first", "birth_on"], how="left", maintain_order="left"
    )
    word = pl.col("relationship").str.to_lowercase()
    said = pl.when(word.is_in((*DEPENDENTS, *EMPLOYEES))).then(word.is_in(DEPENDENTS))
    found = named.select(is_dependent=pl.coalesce(said, "by_name", "is_dependent").fill_null(value=False))
    return found["is_dependent"]


# --- likeness ---------------------------------------------------------------------------------------------


def _alike(rest: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Compare names within each client by Jaro-Winkler; the best of each identity that passes a step."""
    parts = [pl.DataFrame(schema={name: MATCH[name] for name in _FOUND} | {"score": pl.Float64})]
    people = theirs.filter(pl.col("full").is_not_null())
    for (client_id,), mine in rest.drop_nulls(["full", "client_id"]).group_by("client_id"):
        block = people.filter(pl.col("client_id") == client_id)
        if block.height:
            parts.append(_scored(mine, block, client_id))
    scored = pl.concat([one.select(parts[0].columns) for one in parts], how="vertical_relaxed")
    return _one_to_one(scored).drop("score")


def _scored(mine: pl.DataFrame, block: pl.DataFrame, client_id: object) -> pl.DataFrame:
    ours = block.unique(["person_id", "is_dependent", "full", "birth_on"]).sort("person_id", "is_dependent")
    scores = process.cdist(
        mine["full"].to_list(),
        ours["full"].to_list(),
        scorer=JaroWinkler.normalized_similarity,
        score_cutoff=LIKE / 100,
    )
    rows, columns = scores.nonzero()
    pairs = pl.DataFrame(
        {
            "a": rows.astype("int64"),
            "b": columns.astype("int64"),
            "score": scores[rows, columns].astype("float64"),
        }
    )
    left, right = mine[pairs["a"]], ours[pairs["b"]]
    born, theirs = left["birth_on"].alias("born"), right["birth_on"].alias("theirs")
    told = pairs.with_columns(
        left["identity"],
        right["person_id"],
        right["is_dependent"],
        born,
        theirs,
        client_id=pl.lit(client_id, pl.Int32),
    )
    same, near = pl.col("born") == pl.col("theirs"), _is_slip(pl.col("born"), pl.col("theirs"))
    very, alone = pl.col("score") >= VERY_LIKE / 100, pl.col("person_id").n_unique().over("identity") == 1
    step = (
        pl.when(same)
        .then(pl.lit("likeness and birth"))
        .when(near & very)
        .then(pl.lit("likeness and like birth"))
        .when(very & alone & (pl.col("born").is_null() | pl.col("theirs").is_null()))
        .then(pl.lit("likeness"))
    )
    return told.with_columns(step=step).drop_nulls("step")


def _is_slip(born: pl.Expr, theirs: pl.Expr) -> pl.Expr:
    """Whether two birth dates differ by one digit, two that changed places.

    Or month and day the other way.
    """
    a, b = born.dt.strftime("%Y%m%d"), theirs.dt.strftime("%Y%m%d")
    differs = [(a.str.slice(at, 1) != b.str.slice(at, 1)) for at in range(8)]
    count = pl.sum_horizontal(one.cast(pl.Int32) for one in differs)
    swapped = pl.any_horizontal(
        (a.str.slice(at, 1) == b.str.slice(at + 1, 1))
        & (a.str.slice(at + 1, 1) == b.str.slice(at, 1))
        & differs[at]
        for at in range(7)
    )
    turned = (a.str.slice(0, 4) == b.str.slice(0, 4)) & (
        (a.str.slice(4, 2) == b.str.slice(6, 2)) & (a.str.slice(6, 2) == b.str.slice(4, 2))
    )
    return ((count == 1) | (swapped & (count == 2)) | turned).fill_null(value=False)


def _one_to_one(scored: pl.DataFrame) -> pl.DataFrame:
    """Give each identity its best person, and each person his best identity; a tie is nobody's."""
    order = pl.col("step").replace_strict(
        {name: value[0] for name, value in STEPS.items()}, return_dtype=pl.Int32
    )
    ranked = scored.with_columns(rank=order * 1000 + (pl.col("score") * 999).cast(pl.Int32))
    best = ranked.filter(pl.col("rank") == pl.col("rank").max().over("identity"))
    best = best.filter(pl.col("person_id").n_unique().over("identity") == 1)
    best = best.sort("is_dependent").unique("identity", keep="first", maintain_order=True)
    mine = best.filter((pl.col("rank") == pl.col("rank").max().over("person_id")) | pl.col("is_dependent"))
    single = mine.filter((pl.len().over("person_id") == 1) | pl.col("is_dependent"))
    return single.drop("rank")


def _standings(asked: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    confidence = pl.col("step").replace_strict(
        {name: value[0] for name, value in STEPS.items()}, return_dtype=pl.Int16
    )
    rows = asked.select("identity", "plain", own_client="client_id").join(found, on="identity", how="left")
    rows = rows.with_columns(
        pl.col("step").fill_null(""),
        pl.col("is_dependent").fill_null(value=False),
        client_id=pl.coalesce("client_id", "own_client"),
    ).with_columns(confidence=confidence)
    known = pl.col("person_id").is_not_null()
    standing = (
        pl.when(known & (pl.col("confidence") >= AUTOMATIC))
        .then(pl.lit("matched"))
        .when(known & (pl.col("confidence") >= ASKED))
        .then(pl.lit("ask"))
        .otherwise(pl.lit("unmatched"))
    )
    told = rows.with_columns(standing=standing, identity="plain", of_client="own_client")
    return told.select(pl.col(name).cast(kind) for name, kind in MATCH.items())
