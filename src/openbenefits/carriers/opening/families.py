"""The people of a file as families: their employee numbers, who is what to whom, who is left out."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from openbenefits.carriers.opening.mapping import RELATIONSHIPS, Mapping
from openbenefits.carriers.opening.stated import (
    ASKED,
    LEFT,
    NOTED,
    Stated,
    findings,
)
from openbenefits.core.cells import shape
from openbenefits.store import secrets
from openbenefits.workforce.census.cells import RELATIONSHIP

CONTINUED = "C"
OF_DEPENDENTS = ("3", "4", "5", "6", "7")
"""INS07: Medicare, death, divorce, separation, too old: who continues as a subscriber was a dependent."""
STAYS = ("2", "10")
"""INS07: fewer hours, a leave: the employment goes on."""
WORKING = ("AC", "FT", "PT", "L1", "AO", "AU")
ENDS = "024"
ENDED = {"TE": "T", "RT": "R"}
FILLED = ("employment", "ended_on", "cobra_event", "event_on", "continues_on", "continued_through")
"""What counts whichever of a person's places says it."""


@dataclass(frozen=True, kw_only=True)
class Families:
    """The people of a file in families.

    Shapes: people are those of `Stated` who can be taken, with family, word (what they are to the
            subscriber), employee_number and is_continued (some of their coverage is under COBRA). of_row:
            which family a place in the file belongs to (row, family, member: the person, where the file names
            one several times; is_continued: what stands there is under COBRA).
    """

    people: pl.DataFrame
    of_row: pl.DataFrame
    findings: pl.DataFrame


def families_of(stated: Stated, mapping: Mapping, known: pl.DataFrame, *, on: date) -> Families:
    """Put people into families, number them, and find whom the file does not name as it should.

    Shapes: known has employee_number, first_name, last_name, birth_on, ssn_hash of the client's people.
    """
    people, of_row = _once(stated)
    people = people.with_columns(word=_word(mapping))
    gone = _left(people, stated.lines.join(of_row, left_on="member", right_on="row"), on)
    left = of_row.join(gone.select("row"), on="row", how="semi")["member"]
    people = people.filter(~pl.col("row").is_in(left.implode()))
    people = _with_last_day(
        _with_first_day(people, stated.lines.join(of_row, left_on="member", right_on="row"))
    )
    found = [stated.findings, gone, _unnamed(people), _relationships(people), *_subscribers(people)]
    found += [_without_first_day(people), _without_last_day(people)]
    people, unnumbered = _numbered(people, stated.identifiers, mapping, known)
    return Families(people=people, of_row=of_row, findings=pl.concat([*found, *unnumbered]))


def _once(stated: Stated) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take each person once: who ended as active and goes on under continuation stands twice in a file."""
    who = ["family", "is_subscriber", "last_name", "first_name", "birth_on"]
    is_over = pl.when(pl.col("action") == ENDS).then(1).otherwise(0)
    rank = pl.when(pl.col("benefit_status") == CONTINUED).then(2).otherwise(is_over)
    ordered = stated.people.with_columns(rank=rank, at=pl.col("row")).sort("rank", "at")
    named = ordered.with_columns(
        member=pl.when(pl.col("family").is_null() | pl.col("last_name").is_null())
        .then("row")
        .otherwise(pl.col("row").first().over(who))
    )
    continues = (pl.col("benefit_status") == CONTINUED).fill_null(value=False)
    filled = [pl.col(name).drop_nulls().first().over("member") for name in FILLED]
    merged = named.with_columns(filled).with_columns(is_continued=continues.any().over("member"))
    people = merged.filter(pl.col("row") == pl.col("member")).drop("rank", "at", "member").sort("row")
    return people, named.select("row", "family", "member", is_continued=continues).sort("row")


def _word(mapping: Mapping) -> pl.Expr:
    """Say what a person is to the subscriber, in words of a census; null: nobody said what a code means."""
    words = {**RELATIONSHIPS, **mapping.relationships}
    own = {theirs.lower(): ours for theirs, ours in words.items()} | {
        word: word for word in (*RELATIONSHIP, "self") if word not in words
    }
    said = pl.col("relationship").str.to_lowercase().replace_strict(own, default=None, return_dtype=pl.String)
    return pl.when("is_subscriber").then(pl.lit("self")).otherwise(said)


def _unnamed(people: pl.DataFrame) -> pl.DataFrame:
    nobody = people.filter(pl.col("last_name").is_null())
    loose = people.filter(pl.col("family").is_null())
    return pl.concat(
        [
            findings(
                nobody, "no name", "a name (NM1)", "ask the carrier who it is", place="NM1", found="none"
            ),
            findings(
                loose,
                "no family",
                "a subscriber number (REF*0F)",
                "ask the carrier for it",
                place="REF*0F",
                found="none",
            ),
        ]
    )


def _relationships(people: pl.DataFrame) -> pl.DataFrame:
    unknown = people.filter(
        pl.col("word").is_null() | (~pl.col("is_subscriber") & (pl.col("word") == "self"))
    )
    odd = people.filter("is_subscriber", pl.col("relationship").is_not_null()).filter(
        ~pl.col("relationship").str.to_lowercase().is_in(["18", "self", "employee", "subscriber", "ee"])
    )
    return pl.concat(
        [
            findings(
                unknown,
                "relationship",
                "a code that says what a dependent is to the subscriber",
                "say under `relationships` of the mapping what it means",
                place="INS02",
                found=pl.col("relationship").fill_null("none"),
            ),
            findings(
                odd,
                "relationship of a subscriber",
                "18 (self)",
                "taken as the subscriber",
                place="INS02",
                level=NOTED,
                found=pl.col("relationship"),
            ),
        ]
    )


def _subscribers(people: pl.DataFrame) -> list[pl.DataFrame]:
    """Find families without a subscriber, and with two."""
    whole = people.filter(pl.col("family").is_not_null())
    count = pl.col("is_subscriber").sum().over("family")
    none, several = whole.filter(count == 0), whole.filter("is_subscriber", count > 1)
    return [
        findings(
            none,
            "no subscriber",
            "the subscriber of the family, with the same REF*0F",
            "ask the carrier for the whole family",
            place="REF*0F",
            found="dependents only",
        ),
        findings(
            several,
            "two subscribers",
            "one subscriber for each subscriber number",
            "ask the carrier which of them it is",
            place="REF*0F",
            found="several people",
        ),
    ]


def _without_last_day(people: pl.DataFrame) -> pl.DataFrame:
    is_over = pl.col("is_subscriber") & pl.col("employment").is_in(list(ENDED))
    return findings(
        people.filter(is_over & pl.col("ended_on").is_null()),
        "no last day",
        "the last day of employment (DTP*337) of somebody who is employed no longer",
        "ask for the day, or correct the state of employment",
        place="INS08",
        found=pl.col("employment"),
    )


def _with_first_day(people: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Say from which day who continues does: as told, else as a line younger than the event begins."""
    begun = lines.filter("is_continued").group_by(row="member_right").agg(begun=pl.col("begins_on").min())
    rows = people.join(begun, on="row", how="left", maintain_order="left")
    last = pl.coalesce("event_on", "ended_on")
    is_younger = (pl.col("begun") > last).fill_null(value=True)
    first = pl.when("is_continued").then(pl.when(is_younger).then("begun"))
    return rows.with_columns(continues_on=pl.coalesce("continues_on", first)).drop("begun")


def _without_first_day(people: pl.DataFrame) -> pl.DataFrame:
    return findings(
        people.filter("is_continued", pl.col("continues_on").is_null()),
        "no first day",
        "the first day under COBRA (DTP*340) of somebody who continues",
        "ask the carrier for the day",
        place="DTP*340",
        found="none",
    )


def _with_last_day(people: pl.DataFrame) -> pl.DataFrame:
    """Say of employees who continue, and work no longer, so: until the day told, else until the event."""
    works = pl.col("employment").is_in(WORKING) | pl.col("cobra_event").is_in(STAYS)
    is_over = pl.col("is_subscriber") & pl.col("is_continued") & ~works.fill_null(value=False)
    last = pl.coalesce("ended_on", "event_on", pl.col("continues_on") - timedelta(days=1))
    is_said = pl.col("employment").is_in(list(ENDED)).fill_null(value=False)
    return people.with_columns(
        ended_on=pl.when(is_over).then(last).otherwise("ended_on"),
        employment=pl.when(is_over & ~is_said).then(pl.lit("TE")).otherwise("employment"),
    )


def _left(people: pl.DataFrame, lines: pl.DataFrame, on: date) -> pl.DataFrame:
    """Find who is not taken: who continues after somebody the file does not name; coverage that is over."""
    holds = (pl.col("ends_on").is_null() | (pl.col("ends_on") >= on)) & (
        pl.col("action").is_null() | (pl.col("action") != ENDS) | (pl.col("ends_on") >= on)
    )
    held = holds.fill_null(value=True).any()
    state = lines.group_by("family").agg(is_held=held)
    own = lines.group_by(row="member_right").agg(is_own_held=held)
    beside = people.join(state, on="family", how="left", maintain_order="left")
    beside = beside.join(own, on="row", how="left", maintain_order="left")
    was_dependent = pl.col("is_continued") & pl.col("cobra_event").is_in(OF_DEPENDENTS)
    heads = (pl.col("is_subscriber") & was_dependent).fill_null(value=False)
    is_continued = heads.any().over("family") & pl.col("family").is_not_null()
    ends = pl.col("is_subscriber") & (pl.col("action") == ENDS).fill_null(value=False)
    over = (~pl.col("is_held")).fill_null(ends.any().over("family")) & pl.col("family").is_not_null()
    is_dropped = (pl.col("action") == ENDS) & ~pl.col("is_own_held").fill_null(value=False)
    over = over | (~pl.col("is_subscriber") & is_dropped.fill_null(value=False))
    return pl.concat(
        [
            findings(
                beside.filter(is_continued),
                "continuation",
                "a subscriber who was the employee",
                "not taken over: the file does not say whose dependent it was; enter the loss of coverage and"
                " the choice to continue it there",
                place="INS07",
                level=LEFT,
                found=pl.col("cobra_event").fill_null(CONTINUED),
            ),
            findings(
                beside.filter(over & ~is_continued),
                "ended",
                f"coverage in force on {on} or later",
                "not taken over: nothing of it is in force",
                place="INS",
                level=LEFT,
                found="ended",
            ),
        ]
    )


# --- numbers ------------------------------------------------------------------------------------------------


def _numbered(
    people: pl.DataFrame, identifiers: pl.DataFrame, mapping: Mapping, known: pl.DataFrame
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Give each family the employee number of its subscriber: told, else known, else by the prefix."""
    heads = people.filter("is_subscriber", pl.col("family").is_not_null())
    heads = heads.unique("family", keep="first", maintain_order=True)
    heads = heads.with_columns(ssn_hash=secrets.hash_ssn(heads["ssn"]).bin.encode("hex"))
    heads = heads.join(_told(heads, identifiers, mapping), on="row", how="left", maintain_order="left")
    heads = _with_known(heads, known)
    needs = pl.col("told").is_null() & pl.col("known").is_null()
    new = pl.col("told").is_null() & pl.col("known").is_null() & pl.lit(value=bool(mapping.number_prefix))
    given = _free_numbers(heads, known, mapping.number_prefix)
    heads = heads.with_columns(
        employee_number=pl.coalesce("told", "known", pl.when(new).then(given.gather(_place(heads, needs))))
    )
    found = [
        findings(
            heads.filter(pl.col("employee_number").is_null() & (pl.col("several") <= 1)),
            "no number",
            f"an employee number in {' or '.join(mapping.employee_number) or 'some REF'}",
            "say under `employee_number` where it stands, or under `number_prefix` how new ones begin",
            place="REF",
            found=pl.when("is_ssn").then(pl.lit("the SSN")).otherwise(pl.lit("none")),
        ),
        findings(
            heads.filter(pl.col("told").is_null() & (pl.col("several") > 1)),
            "who is it",
            "one person of that name and birth date here",
            "state the employee number",
            place="NM1",
            level=ASKED,
            found="several",
        ),
        _twice(heads),
    ]
    numbers = heads.select("family", "employee_number")
    return people.join(numbers, on="family", how="left", maintain_order="left"), found


def _told(heads: pl.DataFrame, identifiers: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Read the number a file tells of each subscriber; an SSN is none."""
    kinds = mapping.employee_number
    rows = identifiers.filter(pl.col("kind").is_in(kinds)).with_columns(
        rank=pl.col("kind").replace_strict(dict(zip(kinds, range(len(kinds)), strict=True)), default=0)
        if kinds
        else pl.lit(0)
    )
    rows = rows.join(heads.select("row", "ssn"), left_on="member", right_on="row")
    digits = pl.col("value").str.replace_all(r"[\s-]", "")
    is_ssn = (digits == pl.col("ssn").str.replace_all(r"[\s-]", "")).fill_null(value=False)
    ranked = rows.with_columns(is_ssn=is_ssn).sort("member", "is_ssn", "rank")
    first = ranked.unique("member", keep="first", maintain_order=True)
    return first.select(
        pl.col("member").alias("row"), "is_ssn", told=pl.when(~pl.col("is_ssn")).then("value")
    )


def _with_known(heads: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add the number of the person known here: by SSN, else by name and birth date, where one fits."""
    by_ssn = known.filter(pl.col("ssn_hash").is_not_null()).unique("ssn_hash", keep="none")
    name = [_folded("last_name"), _folded("first_name"), pl.col("birth_on").alias("key_birth_on")]
    keys = ["key_last_name", "key_first_name", "key_birth_on"]
    by_name = known.select("employee_number", *name).drop_nulls()
    counted = by_name.group_by(keys).agg(pl.col("employee_number").first(), several=pl.len())
    beside = heads.with_columns(name)
    beside = beside.join(
        by_ssn.select("ssn_hash", of_ssn="employee_number"), on="ssn_hash", how="left", maintain_order="left"
    ).join(counted.rename({"employee_number": "of_name"}), on=keys, how="left", maintain_order="left")
    one = pl.when(pl.col("several") == 1).then("of_name")
    several = pl.when(pl.col("of_ssn").is_null()).then("several").fill_null(0)
    return beside.with_columns(
        known=pl.coalesce("of_ssn", one), several=several, is_ssn=pl.col("is_ssn").fill_null(value=False)
    ).drop(keys)


def _folded(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase().str.replace_all(r"[^\p{L}]", "").alias(f"key_{name}")


def _free_numbers(heads: pl.DataFrame, known: pl.DataFrame, prefix: str) -> pl.Series:
    """List numbers with the prefix that nobody has, as many as there are families."""
    taken = set(known["employee_number"].to_list()) | set(heads["told"].drop_nulls().to_list())
    every = (f"{prefix}{number:05d}" for number in range(1, heads.height + len(taken) + 1))
    free = [one for one in every if one not in taken][: heads.height]
    return pl.Series("free", free, dtype=pl.String)


def _place(heads: pl.DataFrame, needs: pl.Expr) -> pl.Series:
    """Count those who need a number, each by its place among them."""
    return heads.select((needs.cast(pl.UInt32).cum_sum().cast(pl.Int64) - 1).clip(0)).to_series()


def _twice(heads: pl.DataFrame) -> pl.DataFrame:
    """Find numbers that several families have."""
    again = heads.filter(pl.col("employee_number").is_not_null() & (pl.len().over("employee_number") > 1))
    return findings(
        again,
        "number twice",
        "an employee number of their own for each family",
        "say under `employee_number` where it stands",
        place="REF",
        found=shape(pl.col("employee_number")),
    )
