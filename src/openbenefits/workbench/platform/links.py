"""Which client of the platform this one is, and what codes of ours are called there."""

from typing import Any

import polars as pl
from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform import naming
from openbenefits.platform.connecting import ConnectionOrder, connect, link
from openbenefits.platform.models import CodeLink, Connection, Link
from openbenefits.store.isolation import PEO
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet


class LinkForm(forms.Form):
    """A client there."""

    connection = forms.ChoiceField(label=_("Connection"))
    external_id = forms.CharField(label=_("Client there"), max_length=60)


class CodeForm(forms.Form):
    """What a code is called there."""

    kind = forms.ChoiceField(label=_("Kind of code"), choices=list(naming.CODE_KINDS.items()))
    ours = forms.CharField(label=_("Here"), max_length=60)
    theirs = forms.CharField(label=_("There"), max_length=60)


class ConnectionForm(forms.Form):
    """A platform, and as whom one comes in there."""

    code = forms.SlugField(label=_("Code"), max_length=40, help_text=_("The same code again replaces it."))
    base_url = forms.URLField(label=_("Base of its addresses"), assume_scheme="https")
    peo_id = forms.CharField(label=_("PEO number"), max_length=40)
    username = forms.CharField(label=_("Web service user"), max_length=100)
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        widget=forms.PasswordInput(),
        help_text=_("Kept sealed; nobody sees it again."),
    )


@page(
    "<client:client>/payroll-platform/link/",
    name="platform_link",
    title=_("Link to the payroll platform"),
    permission=Permission.SETUP,
)
def one_link(request: Any, client: str) -> HttpResponse:
    """Say which client there this one is, and what codes are called."""
    found = client_of(request, client)
    connections = Connection.objects.filter(ended_at__isnull=True).order_by("code")
    present = Link.objects.filter(client_id=found.pk).first()
    what = request.POST.get("act", "")
    form = LinkForm(request.POST if what == "link" else None, prefix="link")
    form.fields["connection"].choices = [(str(one.pk), one.code) for one in connections]  # type: ignore[attr-defined]
    codes = CodeForm(request.POST if what == "code" else None, prefix="code")
    forms_shown: dict[str, forms.Form] = {"link": form, "code": codes}
    posted = forms_shown.get(what)
    if posted is not None and posted.is_valid():
        return _write(request, found, what, posted.cleaned_data)
    rows = CodeLink.objects.filter(client_id__in=(PEO, found.pk)).order_by("kind", "ours")
    names = ("kind", "ours", "theirs", "made_by")
    frame = pl.DataFrame(list(rows.values_list(*names)), schema=dict.fromkeys(names, pl.String), orient="row")
    columns = (
        Column("kind", _("Kind"), words=naming.CODE_KINDS),
        Column("ours", _("Here")),
        Column("theirs", _("There")),
        Column("made_by", _("Said by")),
    )
    table = sheet(
        request,
        frame,
        columns,
        name="codes",
        caption=_("Codes with another name there"),
        empty=_("Every code is called the same there."),
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/platform/link.html",
        title=_("Link to the payroll platform"),
        client=found,
        crumbs=[(_("Payroll platform"), address("platform", client=client))],
        status=422 if posted is not None else 200,
        link=present,
        form=form,
        code_form=codes,
        codes=table,
    )


def _write(request: Any, client: Any, what: str, said: Any) -> HttpResponse:
    by, now = request.user.username, clock.now()

    def do() -> None:
        if what == "link":
            connection = Connection.objects.get(pk=int(said["connection"]))
            link(client.pk, connection, said["external_id"].strip(), author=by, now=now)
        else:
            naming.call(client.pk, said["kind"], said["ours"], said["theirs"], author=by, now=now)
        noted(request, "did", f"payroll platform: {what}", client.pk)

    return act(request, do, said=_("Written down."), to=address("platform_link", client=client.code))


@page(
    "payroll-platform/connections/",
    name="platform_connections",
    title=_("Payroll platforms"),
    permission=Permission.SETUP,
    of_peo=True,
)
def connections(request: Any) -> HttpResponse:
    """List the connections of the PEO, and keep another one."""
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order = ConnectionOrder(client_id=PEO, **form.cleaned_data)

        def do() -> None:
            connect(order, author=request.user.username, now=clock.now())
            noted(request, "did", "connection to a payroll platform", PEO)

        return act(request, do, said=_("Kept, sealed."), to=address("platform_connections"))
    names = ("code", "base_url", "made_by")
    rows = Connection.objects.filter(ended_at__isnull=True).order_by("code").values_list(*names)
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
    columns = (
        Column("code", _("Code")),
        Column("base_url", _("Address")),
        Column("made_by", _("Kept by")),
    )
    table = sheet(
        request, frame, columns, name="connections", caption=_("Connections"), empty=_("There is none yet.")
    )
    return show(
        request,
        "workbench/platform/connections.html",
        title=_("Payroll platforms"),
        status=422 if request.method == "POST" else 200,
        form=form,
        connections=table,
    )
