"""Address labels of letters or of people, on the usual sheets: 30 to a letter page, 24 to an A4 page."""

import polars as pl

from openbenefits.reports.printing import press
from openbenefits.reports.rules import city_line

LABEL = pl.Struct({"lines": pl.List(pl.String)})
PER_SHEET = {"us-letter": 30, "a4": 24}


def labels_pdf(rows: pl.DataFrame, *, title: str, paper: str = "us-letter", skip: int = 0) -> bytes:
    """Set a label for each row, in order; rows without a street or postal code have none.

    Shapes: name, line1, city, state, postal_code and country. skip: labels of the first sheet already used.
    """
    abroad = pl.when(pl.col("country") != "USA").then("country")
    lines = pl.concat_list("name", "line1", city_line(), abroad)
    whole = rows.filter(pl.col("line1").is_not_null() & pl.col("postal_code").is_not_null())
    made = whole.select(lines=lines.list.drop_nulls()).to_struct("labels").cast(LABEL)
    blank = pl.Series("labels", [{"lines": []}] * skip, dtype=LABEL)
    sheet = pl.DataFrame({"title": [title], "labels": [pl.concat([blank, made])]})
    with press("labels.typ", paper=paper) as machine:
        return machine.files_of(sheet)[0]
