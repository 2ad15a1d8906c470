"""By what members are known between us and a partner, and what each is to the subscriber (834)."""

import polars as pl

SEPARATOR = "-"
SELF = "18"
RELATIONSHIPS = {
    "SP": "01",
    "SS": "01",
    "DP": "53",
    "CH": "19",
    "AC": "19",
    "OD": "G8",
    "NQ": "G8",
    "XS": "25",
}
"""INS02 of a dependent, by core.codes.PersonType; G8 is any other relationship."""
OTHER_RELATIONSHIP = "G8"
CHILDREN = ("19",)

SEXES = {"F": "F", "M": "M", "X": "U"}
MARITAL = {"single": "I", "married": "M", "divorced": "D", "widowed": "W", "partnered": "B"}
"""DMG03 and DMG04."""

ON_LEAVE, ENDED, RETIRED, ACTIVE = "L1", "TE", "RT", "AC"
STATUSES = {"L": ON_LEAVE, "P": ON_LEAVE, "S": ON_LEAVE, "W": ON_LEAVE, "T": ENDED, "D": ENDED, "R": RETIRED}
TIMES = {"F": "FT", "P": "PT"}
"""INS08, from the job status; of who works, whether full or part time."""

ADDRESS = ("line1", "city", "state", "postal_code", "country")
"""The parts of an address, as a view has them: one to a line."""


def person_key(client: pl.Expr, person: pl.Expr) -> pl.Expr:
    """Answer the key of a participant: client and person."""
    return pl.concat_str([client, person], separator=SEPARATOR)


def dependent_key(client: pl.Expr, person: pl.Expr, dependent: pl.Expr) -> pl.Expr:
    """Answer the key of a dependent: that of the participant, and his own number."""
    return pl.concat_str([client, person, dependent], separator=SEPARATOR)


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Add client_id, person_id and dependent_id (null: the employee) of rows with `member`."""
    parts = pl.col("member").str.split(SEPARATOR)
    return rows.with_columns(
        client_id=parts.list.get(0).cast(pl.Int32),
        person_id=parts.list.get(1).cast(pl.Int64),
        dependent_id=parts.list.get(2, null_on_oob=True).cast(pl.Int64),
    )


def relationship(person_type: str) -> pl.Expr:
    """Answer what a dependent is to the subscriber (INS02)."""
    return pl.col(person_type).replace_strict(
        RELATIONSHIPS, default=OTHER_RELATIONSHIP, return_dtype=pl.String
    )


def employment(job_status: str, full_part_time: str) -> pl.Expr:
    """Answer how a subscriber stands in employment (INS08)."""
    of_status = pl.col(job_status).replace_strict(STATUSES, default=None, return_dtype=pl.String)
    of_time = pl.col(full_part_time).replace_strict(TIMES, default=None, return_dtype=pl.String)
    return pl.coalesce(of_status, of_time, pl.lit(ACTIVE))


def address() -> pl.Expr:
    """Join the parts of an address; null where nothing of it is known but the country."""
    parts = [pl.col(name).fill_null("").str.replace_all("\n", " ") for name in ADDRESS]
    is_known = pl.any_horizontal(pl.col(name).fill_null("") != "" for name in ADDRESS[:-1])
    return pl.when(is_known).then(pl.concat_str(parts, separator="\n"))
