"""In which language a person reads letters: as HR says, else as chosen at sign-in, else English."""

from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.workforce import frames as workforce

ENGLISH, SPANISH = "en", "es"
CHOSEN_QUERY = """
SELECT l.client_id, l.person_id, left(u.language, 2) AS chosen
FROM accounts_employeelogin AS l JOIN accounts_user AS u ON u.id = l.user_id
WHERE l.client_id = ANY (%s::int[]) AND u.language <> ''
"""
CHOSEN = {"client_id": pl.Int32(), "person_id": pl.Int64(), "chosen": pl.String()}


def load_languages(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Load the language each case's person reads on its day.

    Shapes: cases as `workforce.frames.Cases`; answers case and language, in order.
    """
    people = cases.select("client_id", "person_id").unique()
    told = workforce.names_as_of(connection, cases).select("case", "language")
    chosen = copy_out(connection, CHOSEN_QUERY, CHOSEN, [people["client_id"].unique().to_list()])
    rows = cases.select("case", "client_id", "person_id").join(
        told, on="case", how="left", maintain_order="left"
    )
    rows = rows.join(chosen, on=["client_id", "person_id"], how="left", maintain_order="left")
    return rows.select("case", language=pl.coalesce("language", "chosen", pl.lit(ENGLISH)))
