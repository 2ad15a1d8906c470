"""Keys of programs: issued with what they may, listed, ended; a secret is shown once, as its key is made."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock, keys
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

MOST_PER_MINUTE = 100_000


class KeyForm(forms.Form):
    """What a key is for, what it may, and until when."""

    name = forms.CharField(label=_("What it is for"), max_length=keys.LONGEST)
    scopes = forms.MultipleChoiceField(
        label=_("What it may"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("No more than it needs; no more than you may yourself."),
    )
    last_day = forms.DateField(
        label=_("Last day"), required=False, widget=DayInput(), help_text=_("Empty: until you end it.")
    )
    per_minute = forms.IntegerField(
        label=_("Most requests of a minute"), initial=keys.PER_MINUTE, min_value=1, max_value=MOST_PER_MINUTE
    )

    def __init__(self, allowed: list[Permission], *parts: Any, **named: Any) -> None:
        """Offer the scopes that may be given."""
        super().__init__(*parts, **named)
        self.fields["scopes"].choices = [(str(one), str(one)) for one in allowed]  # type: ignore[attr-defined]

    def order(self, client_id: int) -> keys.KeyOrder:
        """Answer the key asked for; it holds through its last day."""
        told = self.cleaned_data
        day = told["last_day"]
        return keys.KeyOrder(
            client_id=client_id,
            name=told["name"],
            scopes=tuple(Permission(one) for one in told["scopes"]),
            expires_at=None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC),
            per_minute=told["per_minute"],
        )


COLUMNS = (
    Column("name", _("Key")),
    Column("scopes", _("May")),
    Column("per_minute", _("A minute"), kind="number"),
    Column("made_by", _("Made by")),
    Column("made_at", _("Made"), kind="moment"),
    Column("expires_at", _("Holds until"), kind="moment"),
    Column("last_used_at", _("Last used"), kind="moment"),
    Column("ended_at", _("Ended"), kind="moment"),
)


@page("<client:client>/keys/", name="keys", title=_("Keys of the API"), permission=Permission.USERS)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the keys of a client; issue one."""
    return _list(request, client_of(request, client).pk, client)


@page(
    "keys/",
    name="peo_keys",
    title=_("Keys of the API"),
    permission=Permission.USERS,
    of_peo=True,
)
def of_peo(request: Any) -> HttpResponse:
    """List the keys for every client; issue one."""
    return _list(request, EVERY_CLIENT, None)


def _list(request: Any, client_id: int, code: str | None) -> HttpResponse:
    form = KeyForm(keys.scopes_to_give(request.access, client_id), request.POST or None)
    secret = _issued(request, form, client_id) if request.method == "POST" and form.is_valid() else None
    found = keys.keys_of(client_id)
    table = sheet(
        request,
        found,
        COLUMNS,
        name="keys",
        caption=_("Keys"),
        empty=_("No program comes in for this client. Issue a key to the first one below."),
    )
    if (file := table.export()) is not None:
        return file
    client = client_of(request, code) if code else None
    return show(
        request,
        "workbench/desks/keys.html",
        title=_("Keys of the API"),
        client=client,
        crumbs=[(_("Users"), address("users", client=code) if code else address("peo_users"))],
        status=422 if form.errors else 200,
        keys=table,
        form=form if secret is None else KeyForm(keys.scopes_to_give(request.access, client_id)),
        secret=secret,
        standing=found.filter(found["ended_at"].is_null())["name"].to_list(),
        end_href=address("key_end", client=code) if code else address("peo_key_end"),
    )


def _issued(request: Any, form: KeyForm, client_id: int) -> str | None:
    """Issue the key; the page that answers is the only one that ever shows its secret."""
    try:
        with transaction.atomic():
            order = form.order(client_id)
            secret = keys.issue_key(request.access, order, author=request.user.username, now=clock.now())
    except keys.KeyRefused as refused:
        form.add_error("name", str(refused))
        return None
    messages.success(request, _("The key is issued."))
    return secret


@page("<client:client>/keys/end", name="key_end", title=_("End a key"), permission=Permission.USERS)
@require_POST
def end_of_client(request: Any, client: str) -> HttpResponse:
    """End a key of a client."""
    return _end(request, client_of(request, client).pk, address("keys", client=client))


@page("keys/end", name="peo_key_end", title=_("End a key"), permission=Permission.USERS, of_peo=True)
@require_POST
def end_of_peo(request: Any) -> HttpResponse:
    """End a key for every client."""
    return _end(request, EVERY_CLIENT, address("peo_keys"))


def _end(request: Any, client_id: int, back: str) -> HttpResponse:
    name, by = request.POST.get("name", ""), request.user.username
    return act(
        request,
        lambda: keys.close_key(request.access, client_id, name, author=by, now=clock.now()),
        said=_("The key has ended: nothing is answered to it any more."),
        to=back,
    )
