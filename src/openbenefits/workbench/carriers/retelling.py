"""Told again: whom a report refused is picked, or all of them, and the next file says it once more."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import PEO
from openbenefits.carriers.custody.retelling import AGAIN, SINCE, WAITS, refused_lines, tell_again
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.states.moving import FileRefused
from openbenefits.workbench.carriers.lists import line_columns
from openbenefits.workbench.carriers.parts import NUL, PEO_PATH, crumbs, file_of, noted_of, owner_path
from openbenefits.workbench.pages import act, address, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet

LONGEST = 500
STANDS = {
    AGAIN: _("may be told again"),
    WAITS: _("the next file says it"),
    SINCE: _("a later file told of it"),
}


@page(
    "carriers/files/<int:number>/again",
    name="tell_carrier_again",
    title=_("Tell again"),
    permission=Permission.PROCESS,
)
def again(request: Any, number: int) -> HttpResponse:
    """Show what a report refused and what telling it again would do; do it for those picked, or for all."""
    found = file_of(request, number, Permission.PROCESS)
    if request.method == "POST":
        return _told(request, found)
    rows = refused_lines(found.pk)
    table = _sheet(request, rows)
    noted_of(request, "saw", "refused lines of carrier file", found)
    if (file := table.export()) is not None:
        return file
    here = address("carrier_file", number=number)
    return show(
        request,
        "workbench/carriers/again.html",
        title=_("Tell again"),
        crumbs=crumbs((_("Carrier files"), address("carrier_files")), (str(number), here)),
        lines=table,
        may_again=rows.filter(stands=AGAIN).height,
        waits=rows.filter(stands=WAITS).height,
        feed=_feed(found),
    )


def _feed(found: CarrierFile) -> str:
    path = PEO_PATH if found.client_id == PEO else owner_path(found.client_id)
    return address("carrier_feed", owner=path, code=found.partner)


def _sheet(request: Any, rows: pl.DataFrame) -> Sheet:
    return sheet(
        request,
        rows,
        (*line_columns(), Column("stands", _("How it stands"), words=STANDS)),
        name="lines",
        caption=_("What its report refused"),
        empty=_("No report refused anybody of this file."),
        picks="member",
    )


def _told(request: Any, found: CarrierFile) -> HttpResponse:
    """Tell those picked again, or everybody; all of it, or nothing where one of them is refused."""
    words = str(request.POST.get("words", "")).replace(NUL, "").strip()[:LONGEST]
    is_all = request.POST.get("who") == "all"
    picked = sorted({one.replace(NUL, "") for one in request.POST.getlist("member")})

    def do() -> None:
        if not is_all and not picked:
            raise FileRefused("expected somebody picked, found nobody; pick them, or tell everybody again")
        for member in [None] if is_all else picked:
            tell_again(
                connection, found.pk, member, author=request.user.username, words=words, now=clock.now()
            )
        noted_of(request, "did", "tell again what was refused of carrier file", found, words)

    here = address("tell_carrier_again", number=found.pk)
    return act(request, do, said=_("It is told again by the next file."), to=here)
