"""Who a row is about: the *same* person, a *different* one, or *ask*. Nothing is overwritten on *ask*."""

import polars as pl

ASK = {"row": pl.Int32(), "employee_number": pl.String(), "reason": pl.String()}


def match_people(stated: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Match the people of a file with those known.

    The same number is the same person if birth date or SSN agree, or one side does not state the birth date,
    or the name agrees while the SSN does not contradict (a typing error). Another number is a different
    person, unless SSN, or name and birth date, are known under some other number.

    Shapes:  stated and known have employee_number, first_name, last_name, birth_on, ssn_hash; known has
             person_id. The result is `stated` with `person_id` (null: new), `has_facts` and `ask` (null: no
             question).
    """
    names = ["first_name", "last_name"]
    mine = stated.with_columns(_folded(name).alias(f"{name}_key") for name in names)
    theirs = known.with_columns(_folded(name).alias(f"{name}_key") for name in names)
    beside = mine.join(theirs, on="employee_number", how="left", suffix="_known", maintain_order="left")
    asked = beside.with_columns(ask=_ask(beside, _by_ssn(mine, theirs), _by_name(mine, theirs)))
    has_facts = pl.col("first_name_known").is_not_null()
    return asked.select(*stated.columns, "person_id", "ask", has_facts=has_facts)


def _ask(beside: pl.DataFrame, other_ssn: pl.Series, other_name: pl.Series) -> pl.Expr:
    is_known = pl.col("person_id").is_not_null()
    birth_differs = (pl.col("birth_on") != pl.col("birth_on_known")).fill_null(False)
    ssn_agrees = (pl.col("ssn_hash") == pl.col("ssn_hash_known")).fill_null(False)
    ssn_differs = (pl.col("ssn_hash") != pl.col("ssn_hash_known")).fill_null(False)
    name_differs = pl.any_horizontal(
        pl.col(f"{name}_key").ne_missing(pl.col(f"{name}_key_known")) for name in ("first_name", "last_name")
    )
    is_other_person = is_known & birth_differs & ~ssn_agrees & (name_differs | ssn_differs)
    has_number_of = beside["employee_number"].is_in(other_ssn.implode())
    looks_like = beside["employee_number"].is_in(other_name.implode())
    return (
        pl.when(is_other_person)
        .then(pl.lit("the number belongs to somebody with another birth date"))
        .when(pl.lit(has_number_of))
        .then(pl.lit("the SSN is known under another employee number"))
        .when(~is_known & pl.lit(looks_like))
        .then(pl.lit("name and birth date are known under another employee number"))
    )


def _by_ssn(mine: pl.DataFrame, theirs: pl.DataFrame) -> pl.Series:
    """Find the numbers whose SSN stands under another number too, known or in the file itself."""
    here = mine.select("employee_number", "ssn_hash")
    all_of = pl.concat([here, theirs.select("employee_number", "ssn_hash")]).drop_nulls().unique()
    return _other_number(here, all_of, ["ssn_hash"])


def _by_name(mine: pl.DataFrame, theirs: pl.DataFrame) -> pl.Series:
    key = ["first_name_key", "last_name_key", "birth_on"]
    here = mine.select("employee_number", *key)
    return _other_number(here, theirs.select("employee_number", *key).drop_nulls(), key)


def _other_number(here: pl.DataFrame, elsewhere: pl.DataFrame, key: list[str]) -> pl.Series:
    pairs = here.join(elsewhere, on=key, suffix="_other")
    return pairs.filter(pl.col("employee_number") != pl.col("employee_number_other"))[
        "employee_number"
    ].unique()


def match_dependents(stated: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Match the dependents of a file with those known of the same participant.

    By SSN, else by first name and birth date, else by number where the birth date does not contradict. Twins
    have one birth date and two first names; a list in another order re-keys nobody.

    Shapes: stated and known have person_id, number, first_name, birth_on, ssn_hash; known has dependent_id.
            The result is `stated` with `dependent_id` (null: new) and `ask`.
    """
    mine = stated.with_row_index("at").with_columns(name_key=_folded("first_name"))
    theirs = known.with_columns(name_key=_folded("first_name"))
    found = pl.DataFrame(schema={"at": pl.UInt32, "dependent_id": pl.Int64})
    for key in (["ssn_hash"], ["name_key", "birth_on"], ["number"]):  # the surest first
        open_mine = mine.join(found, on="at", how="anti")
        open_theirs = theirs.join(found, on="dependent_id", how="anti")
        found = pl.concat([found, _pairs(open_mine, open_theirs, key)])
    matched = mine.join(found, on="at", how="left", maintain_order="left")
    unmatched = theirs.join(found, on="dependent_id", how="anti")
    doubtful = matched.filter(pl.col("dependent_id").is_null()).join(
        unmatched, on=["person_id", "name_key"], how="semi"
    )
    is_doubtful = matched["at"].is_in(doubtful["at"].implode())
    reason = pl.lit("a dependent of that first name is known with another birth date or SSN")
    return matched.with_columns(ask=pl.when(is_doubtful).then(reason)).select(
        *stated.columns, "dependent_id", "ask"
    )


def _pairs(mine: pl.DataFrame, theirs: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Pair rows of one participant by a key, where neither birth date nor SSN differs, if only one fits."""
    pairs = mine.join(theirs, on=["person_id", *key], suffix="_known")
    birth = "birth_on" if "birth_on" in key else "birth_on_known"
    ssn = "ssn_hash" if "ssn_hash" in key else "ssn_hash_known"
    ssn_agrees = pl.col("ssn_hash") == pl.col(ssn)
    birth_agrees = pl.col("birth_on") == pl.col(birth)
    compatible = pairs.filter(
        (birth_agrees.fill_null(True) | ssn_agrees.fill_null(False)) & ssn_agrees.fill_null(True)
    )
    once = (pl.len().over("at") == 1) & (pl.len().over("dependent_id") == 1)
    return compatible.filter(once).select("at", "dependent_id")


def _folded(name: str) -> pl.Expr:
    """Reduce a name to what is compared: letters only, in lower case."""
    return pl.col(name).str.to_lowercase().str.replace_all(r"[^\p{L}]", "")
