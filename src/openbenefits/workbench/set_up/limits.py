"""Legal amounts by year, with their sources: which years are known, and which is not published yet."""

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.programs.frames import PEO
from openbenefits.programs.legal import limit_of
from openbenefits.programs.services import loaded_in_force
from openbenefits.workbench.pages import Section, page, show
from openbenefits.workbench.sheets import Column, sheet

YEARS = 4


@page("peo/limits/", name="limits", title=gettext_lazy("Legal limits"), section=Section.SETUP)
def limits(request: Any) -> HttpResponse:
    """Show every legal amount of the last years and the next; a blank is unknown, never zero."""
    loaded = loaded_in_force(PEO)
    this_year = clock.today().year
    years = [this_year + 1 - back for back in range(YEARS)]
    known = loaded.limits if loaded else pl.DataFrame(schema={"code": pl.String, "year": pl.Int16})
    rows = [_row(known, code, years) for code in known["code"].unique().sort().to_list()]
    names = ["code", "basis", "unit", *(str(year) for year in years), "source"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    columns = [Column("code", _("Limit")), Column("basis", _("Of a"))]
    columns += [Column(str(year), str(year)) for year in years] + [Column("source", _("Source of the last"))]
    listed = sheet(
        request,
        frame,
        columns,
        name="limits",
        caption=_("Legal limits by year"),
        empty=_("The PEO's set-up holds no legal amounts: add a limit sheet to it."),
    )
    if (file := listed.export()) is not None:
        return file
    published = {year: known.filter(year=year)["code"].n_unique() for year in years}
    return show(
        request,
        "workbench/set_up/limits.html",
        title=_("Legal limits"),
        limits=listed,
        published=[(year, count, frame.height - count) for year, count in published.items()],
        this_year=this_year,
    )


def _row(known: pl.DataFrame, code: str, years: list[int]) -> dict[str, str | None]:
    own = known.filter(code=code).sort("year")
    held = set(own["year"].to_list())
    last = own.row(-1, named=True)
    amounts = {str(year): limit_of(known, code, year).text if year in held else None for year in years}
    return {
        "code": code,
        "basis": last["basis"] or None,
        "unit": last["unit"],
        **amounts,
        "source": last["source"],
    }
