"""The client's own fields (config_1 … config_9) that rules ask for and no job fills."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.programs.fields import CONFIG_FIELDS
from openbenefits.programs.frames import load_rulebook
from openbenefits.workforce.models import JobFact

UNFILLED = {"client_id": pl.Int32, "field": pl.String, "rules": pl.String}


def unfilled_fields(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List which of the clients' own fields rules ask for though no job says anything in them on a day.

    Everybody asked such a rule is undecided. Shapes: client_id, field, and the codes of the rules.
    """
    asked = _asked(connection, client_ids, as_of)
    is_unfilled = [
        not JobFact.objects.using(connection.alias)
        .filter(client_id=client, valid_from__lte=as_of, is_deleted=False, **{f"{field}__isnull": False})
        .exists()
        for client, field in asked.select("client_id", "field").rows()
    ]
    return asked.filter(pl.Series(is_unfilled, dtype=pl.Boolean))


def _asked(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """Name the rules that look at each field of the clients' own, if in force on the day."""
    rulebook = load_rulebook(connection, client_ids)
    holding = rulebook.rules.filter((pl.col("valid_from") <= as_of) & (as_of < pl.col("valid_to")))
    found = [
        holding.filter(pl.col(f"{one.key}_out").is_not_null()).select(
            "client_id", pl.lit(one.field).alias("field"), "code"
        )
        for one in rulebook.variants
        if one.field in CONFIG_FIELDS
    ]
    rows = pl.concat([pl.DataFrame(schema={**UNFILLED, "code": pl.String}).drop("rules"), *found])
    grouped = rows.group_by("client_id", "field").agg(rules=pl.col("code").unique().sort().str.join(", "))
    return grouped.sort("client_id", "field").select(
        pl.col(name).cast(kind) for name, kind in UNFILLED.items()
    )
