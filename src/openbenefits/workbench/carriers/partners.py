"""Partners: who is told of whose plans, in words; the versions of an agreement, and a new one loaded."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.checking import uncoded
from openbenefits.carriers.agreements.partners import (
    CODE,
    Partner,
    PartnerRefused,
    save_partner,
    with_values,
)
from openbenefits.carriers.agreements.text import json_schema, read_text, text_of
from openbenefits.carriers.agreements.words import differences, in_words
from openbenefits.carriers.custody.readings import REFUSED
from openbenefits.carriers.models import CarrierFile, FileLine, PartnerVersion
from openbenefits.carriers.rules.custody import NO_ENROLMENT
from openbenefits.store.isolation import PEO
from openbenefits.workbench.carriers.lists import partner_sheet
from openbenefits.workbench.carriers.parts import (
    PEO_PATH,
    PURPOSES,
    STATES,
    Owner,
    agreement,
    client_codes,
    clients_for,
    crumbs,
    owner_of,
)
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import Section, address, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet

MOST_CHARACTERS = 200_000
LAST_FILES = 20
MOST_LACKS = 100
MOST_CLIENTS = 50


class LoadForm(forms.Form):
    """An agreement as YAML."""

    owner = forms.ChoiceField(label=_("For"))
    code = forms.RegexField(
        f"^{CODE}$",
        label=_("Code of the partner"),
        max_length=40,
        help_text=_("Letters, digits, - _ and . only: it stands in addresses and file names."),
    )
    text = forms.CharField(
        label=_("The agreement (YAML)"),
        max_length=MOST_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "class": "code"}),
    )
    file = forms.FileField(
        label=_("Or a file of it"), required=False, help_text=_("It counts before the text.")
    )

    def __init__(self, owners: list[tuple[str, str]], *parts: Any, **named: Any) -> None:
        """Offer whose agreements somebody may load."""
        super().__init__(*parts, **named)
        self.fields["owner"].choices = owners  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Read the agreement, and keep it as `partner`."""
        said: dict[str, Any] = super().clean() or {}
        if self.errors:
            return said
        try:
            said["partner"] = read_text(_text(said))
        except PartnerRefused as refused:
            self.add_error("text", str(refused))
        return said


def _text(said: dict[str, Any]) -> str:
    file = said.get("file")
    if file is None:
        return str(said.get("text") or "")
    if file.size > MOST_CHARACTERS:
        raise PartnerRefused(f"expected at most {MOST_CHARACTERS:,} bytes, found {file.size:,}; split it")
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise PartnerRefused("expected text in UTF-8, found other bytes; save the file as UTF-8") from None


@page(
    "carriers/partners/",
    name="carrier_partners",
    title=_("Partners"),
    section=Section.CARRIERS,
)
def listed(request: Any) -> HttpResponse:
    """List the partners of the clients one may see, and those of the PEO for all."""
    table = partner_sheet(request)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/partners.html",
        title=_("Partners"),
        crumbs=crumbs(),
        partners=table,
        may_load=bool(_owners(request)),
    )


def _owners(request: Any) -> list[tuple[str, str]]:
    """Answer whose agreements somebody may write."""
    names = client_codes()
    allowed = clients_for(request, Permission.SETUP)
    found = [(PEO_PATH, str(_("the PEO, for every client")))] if PEO in allowed else []
    return found + [(names[one], names[one]) for one in allowed if one != PEO]


@page(
    "carriers/partners/load",
    name="load_carrier_partner",
    title=_("Load an agreement"),
    permission=Permission.SETUP,
)
def load(request: Any) -> HttpResponse:
    """Take a new version of an agreement; the same again makes none."""
    form, status = LoadForm(_owners(request), initial=_begun(request)), 200
    if request.method == "POST":
        form, status = LoadForm(_owners(request), request.POST, request.FILES), 422
        if form.is_valid():
            return _load(request, form.cleaned_data)
    return show(
        request,
        "workbench/carriers/load.html",
        title=_("Load an agreement"),
        crumbs=crumbs((_("Partners"), address("carrier_partners"))),
        status=status,
        form=form,
    )


def _begun(request: Any) -> dict[str, str]:
    """Begin with an agreement that stands, where the address names one somebody may read whole."""
    path, code = request.GET.get("owner", ""), request.GET.get("code", "")
    if not path or not code:
        return {}
    owner, _row, partner = agreement(request, path, code)
    request.access.require(Permission.SETUP, owner.client_id)
    return {"owner": owner.path, "code": code, "text": text_of(partner)}


def _load(request: Any, said: dict[str, Any]) -> HttpResponse:
    owner = owner_of(request, said["owner"], Permission.SETUP)
    save_partner(
        owner.client_id, said["code"], said["partner"], author=request.user.username, now=clock.now()
    )
    noted(request, "did", f"agreement with partner {said['code']}", owner.client_id)
    return redirect(address("carrier_partner", owner=owner.path, code=said["code"]))


@page("carriers/partners/<client:owner>/<client:code>/", name="carrier_partner", title=_("Partner"))
def one(request: Any, owner: str, code: str) -> HttpResponse:
    """Show what is agreed with a partner, in words; its versions with what each changed; its last files."""
    whose, row, partner = agreement(request, owner, code)
    noted(request, "saw", f"partner {code}", whose.client_id)
    may_whole = request.access.may(Permission.SEE, whose.client_id)
    files = _files(request, whose, code)
    versions = _versions(whose, code) if may_whole else []
    tables: dict[str, Any] = {
        "lacks": _lacks(request, whose, code),
        "values": _values(request, partner),
        "changes": _changes(request, versions),
    }
    for table in (files, *tables.values()):
        if (saved := table.export()) is not None:
            return saved
    return show(
        request,
        "workbench/carriers/partner.html",
        title=partner.name,
        crumbs=crumbs((_("Partners"), address("carrier_partners"))),
        owner=whose,
        code=code,
        row=row,
        words=in_words(partner),
        is_enrolment=partner.kind == "834",
        text=text_of(partner) if may_whole else "",
        versions=versions,
        files=files,
        **tables,
        feeds=_feeds(request, whose, code, partner),
        refused=_refused(request, whose, code),
        may_load=request.access.may(Permission.SETUP, whose.client_id),
    )


def _values(request: Any, partner: Partner) -> Sheet:
    """Show the identifiers of the clients one may see: whose, which, what."""
    codes = client_codes()
    seen = {codes[one] for one in clients_for(request, Permission.SEE)} | {"*"}
    rows = [
        {"client": str(_("every client")) if client == "*" else client, "what": name, "value": value}
        for client, values in sorted(partner.values.items())
        if client in seen
        for name, value in sorted(values.items())
    ]
    columns = (Column("client", _("Client")), Column("what", _("What")), Column("value", _("Value")))
    caption = _("Identifiers it knows clients by")
    return sheet(request, _texts(rows, columns), columns, name="values", caption=caption)


def _texts(rows: list[dict[str, Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """Lay rows out as columns of text; what is not said is empty."""
    said = [
        {one.name: None if row[one.name] is None else str(row[one.name]) for one in columns} for row in rows
    ]
    return pl.DataFrame(said, schema={one.name: pl.String for one in columns})


def _lacks(request: Any, owner: Owner, code: str) -> Sheet:
    """Show the plans and tiers of clients one may see that the agreement has no code for.

    Of an agreement of the PEO's with very many clients nothing: `openbenefits carriers partner check` tells.
    """
    names = client_codes()
    allowed = [one for one in clients_for(request, Permission.SEE) if one != PEO]
    whose = [owner.client_id] if owner.client is not None else allowed
    told = []
    if len(whose) <= MOST_CLIENTS:
        rows = uncoded(connection, whose).filter(partner=code).head(MOST_LACKS)
        told = [row | {"client": names.get(row["client_id"], "")} for row in rows.to_dicts()]
    columns = (
        Column("client", _("Client")),
        Column("what", _("What")),
        Column("code", _("Ours")),
        Column("cure", _("Cure")),
    )
    caption = _("What clients offer and the agreement has no code for")
    return sheet(request, _texts(told, columns), columns, name="lacks", caption=caption)


def _versions(owner: Owner, code: str) -> list[dict[str, Any]]:
    """Answer the versions, the latest first, each with what it changed."""
    versions = PartnerVersion.objects.filter(client_id=owner.client_id, code=code).order_by("version")
    rows = with_values(versions)
    found: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for row in rows:
        changes = differences(before, row.document).to_dicts() if before else []
        found.append({"row": row, "changes": changes})
        before = row.document
    return found[::-1]


def _changes(request: Any, versions: list[dict[str, Any]]) -> Sheet:
    """Show what each version changed, field by field, the latest first."""
    rows = [
        {name: change[name] for name in ("field", "before", "after")}
        | {"version": one["row"].version, "made_at": one["row"].made_at, "author": one["row"].author}
        for one in versions
        for change in one["changes"]
    ]
    schema: dict[str, Any] = {"version": pl.Int64, "made_at": pl.Datetime("us", "UTC")}
    schema |= dict.fromkeys(("author", "field", "before", "after"), pl.String)
    said = [
        row | {name: None if row[name] is None else str(row[name]) for name in ("before", "after")}
        for row in rows
    ]
    columns = (
        Column("version", _("Version"), kind="number"),
        Column("made_at", _("Made"), kind="moment"),
        Column("author", _("By")),
        Column("field", _("Field")),
        Column("before", _("Before")),
        Column("after", _("After")),
    )
    return sheet(
        request,
        pl.DataFrame(said, schema=schema),
        columns,
        name="changes",
        caption=_("Changes, version by version"),
        empty=_("No version changed anything of the one before."),
    )


def _files(request: Any, owner: Owner, code: str) -> Any:
    allowed = clients_for(request, Permission.SEE)
    found = CarrierFile.objects.filter(client_id__in=allowed, partner=code, partner_client=owner.client_id)
    names = ("pk", "client_id", "as_of", "purpose", "members", "lines", "state", "since")
    codes = client_codes()
    rows = [
        row | {"client": codes.get(row["client_id"], "")}
        for row in found.order_by("-built_at", "-pk").values(*names)[:LAST_FILES]
    ]
    schema: dict[str, Any] = {
        **dict.fromkeys(("pk", "client_id"), pl.Int64),
        "as_of": pl.Date,
        "purpose": pl.String,
        **dict.fromkeys(("members", "lines"), pl.Int64),
        "state": pl.String,
        "since": pl.Datetime("us", "UTC"),
        "client": pl.String,
    }
    return sheet(
        request,
        pl.DataFrame(rows, schema=schema),
        (
            Column(
                "pk", _("File"), kind="number", href=lambda row: address("carrier_file", number=row["pk"])
            ),
            Column("client", _("For")),
            Column("as_of", _("As of"), kind="day"),
            Column("purpose", _("What"), words=PURPOSES),
            Column("members", _("Members"), kind="number"),
            Column("lines", _("Lines"), kind="number"),
            Column("state", _("State"), kind="status", words=STATES),
            Column("since", _("Since"), kind="moment"),
        ),
        name="files",
        caption=_("Its last files"),
        empty=_("No file was built yet. Look at the preview of a feed, then build it."),
    )


def _refused(request: Any, owner: Owner, code: str) -> list[tuple[int, int]]:
    """Answer the last files in which a report of the partner refused lines, each with how many."""
    allowed = clients_for(request, Permission.PROCESS)
    files = CarrierFile.objects.filter(client_id__in=allowed, partner=code, partner_client=owner.client_id)
    lines = FileLine.objects.filter(file_id__in=files.values("pk"), verdict__in=REFUSED)
    lines = lines.exclude(line="").exclude(kind__in=NO_ENROLMENT)
    counts = lines.values_list("file_id").annotate(count=Count("number")).order_by("-file_id")
    return list(counts[:LAST_FILES])


def _feeds(request: Any, owner: Owner, code: str, partner: Partner) -> list[dict[str, str]]:
    """Answer the feeds of a partner somebody may preview: a client each, or all of them in one file.

    Each with where it is previewed, where everybody is told anew, and where its premium is paid by an 820.
    """
    allowed, names = clients_for(request, Permission.PROCESS), client_codes()
    if owner.client is not None:
        paths = [owner.path] if owner.client_id in allowed else []
    elif not partner.is_per_client:
        paths = [PEO_PATH] if PEO in allowed else []
    else:
        rows = PartnerVersion.objects.filter(code=code).exclude(client_id=PEO)
        own = set(rows.values_list("client_id", flat=True))
        paths = [names[one] for one in allowed if one != PEO and one not in own]
    return [
        {
            "name": str(_("all clients")) if path == PEO_PATH else path,
            "preview": address("carrier_feed", owner=path, code=code),
            "premium": address("carrier_premium", owner=path, code=code) if partner.premium else "",
        }
        for path in paths
    ]


@page("carriers/agreement.schema.json", name="carrier_schema", title=_("Schema of agreements"))
def schema(_request: Any) -> HttpResponse:
    """Answer the JSON Schema of agreements, for editors that check what one writes."""
    return HttpResponse(json.dumps(json_schema(), indent=1), content_type="application/schema+json")
