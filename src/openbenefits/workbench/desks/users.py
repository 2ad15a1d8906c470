"""Users: who signs in for a client, invited, given roles and helped when a key is lost."""

from typing import Any

import polars as pl
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock, users
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import ROLES, Permission, RoleCode
from openbenefits.accounts.services import EVERY_CLIENT
from openbenefits.background.inviting import Way, employees_to_invite, ways_there
from openbenefits.background.services import ask
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import Section, act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, Sheet, sheet

HOUSE = "house"
"""Stands in addresses for users of the PEO, who may something for every client."""


class InviteForm(forms.Form):
    """Who is to come in, and as what."""

    name = forms.CharField(
        label=_("Name to sign in by"), max_length=150, help_text=_("Small letters, digits and . _ @ + -")
    )
    email = forms.EmailField(
        label=_("E-mail address"), help_text=_("The link goes there; nobody gets a password.")
    )
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, allowed: list[RoleCode], *parts: Any, **named: Any) -> None:
        """Offer the roles that may be given."""
        super().__init__(*parts, **named)
        least_first = sorted(allowed, key=lambda code: len(ROLES[code].permissions))
        self.fields["role"].choices = [(str(code), ROLES[code].name) for code in least_first]  # type: ignore[attr-defined]


WAYS = {
    Way.EMAIL: _("by e-mail: a link"),
    Way.TEXT: _("by text message to the number in the census: a link"),
    Way.LETTER: _("on a letter to the home address: a code; it waits for a print batch"),
}


class WaysForm(forms.Form):
    """By which ways employees are told how to come in; each by the first that leads to him."""

    ways = forms.MultipleChoiceField(label=_("How they are told"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *parts: Any, waiting: pl.DataFrame | None = None, **named: Any) -> None:
        """Offer the ways there are; waiting: those it is about, counted beside each way."""
        super().__init__(*parts, **named)
        counted = {} if waiting is None else dict(waiting.group_by("way").len().iter_rows())
        offered = ways_there()
        self.fields["ways"].choices = [(str(way), f"{WAYS[way]} ({counted.get(way, 0)})") for way in offered]  # type: ignore[attr-defined]
        self.fields["ways"].initial = [str(way) for way in offered]


def _columns(code: str) -> tuple[Column, ...]:
    return (
        Column("user", _("User"), href=lambda row: _address(code, row["user_id"])),
        Column("email", _("E-mail")),
        Column("role", _("Role")),
        Column("given_by", _("Given by")),
        Column("given_at", _("Since"), kind="moment"),
        Column("last_sign_in", _("Last sign-in"), kind="moment"),
        Column("second_factor", _("Second factor"), words={True: _("yes"), False: _("none")}),
    )


@page(
    "<client:client>/users/",
    name="users",
    title=_("Users"),
    section=Section.HOUSE,
    permission=Permission.USERS,
)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the users of a client; invite one, and its employees."""
    found = client_of(request, client)
    return _list(request, found.pk, client)


@page(
    "users/",
    name="peo_users",
    title=_("Users of the PEO"),
    section=Section.HOUSE,
    permission=Permission.USERS,
    of_peo=True,
)
def of_peo(request: Any) -> HttpResponse:
    """List the users who may something for every client; invite one."""
    return _list(request, EVERY_CLIENT, HOUSE)


def _list(request: Any, client_id: int, code: str) -> HttpResponse:
    form = InviteForm(users.may_give(request.access, client_id), request.POST or None)
    if request.method == "POST" and form.is_valid():
        order = users.Invitation(
            name=form.cleaned_data["name"],
            email=form.cleaned_data["email"],
            client_id=client_id,
            code=RoleCode(form.cleaned_data["role"]),
        )
        return act(
            request,
            lambda: users.invite(
                request.access, order, site=_site(request), author=request.user.username, now=clock.now()
            ),
            said=_("The role is given; a new user is sent a link that signs in once."),
            to=request.path,
        )
    rows = users.users_of(client_id)
    table = sheet(
        request, rows, _columns(code), name="users", caption=_("Who signs in"), empty=_("Nobody yet.")
    )
    client = client_of(request, code) if client_id else None
    waiting = employees_to_invite(connection, client_id, clock.today()) if client else None
    nowhere = None if waiting is None else _nowhere(request, code, waiting)
    for one in (table, nowhere):
        if one is not None and (file := one.export()) is not None:
            return file
    return show(
        request,
        "workbench/desks/users.html",
        title=_("Users") if client else _("Users of the PEO"),
        client=client,
        status=422 if form.errors else 200,
        users=table,
        form=form,
        waiting=None if waiting is None else waiting.height,
        reachable=None if waiting is None else waiting["way"].drop_nulls().len(),
        ways_form=WaysForm(waiting=waiting),
        nowhere=nowhere,
        batches=links.found("batches", client=code) if client else None,
        has_company_account=bool(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]),
        keys=links.found("keys", client=code) if client else links.found("peo_keys"),
    )


def _nowhere(request: Any, code: str, waiting: pl.DataFrame) -> Sheet:
    """List the employees without a login to whom no way leads."""
    return sheet(
        request,
        waiting.filter(pl.col("way").is_null()),
        (Column("employee_number", _("Employee"), href=links.to_person(code)),),
        name="nowhere",
        caption=_("Employees whom no way leads to"),
        empty=_("Nobody."),
    )


@page(
    "<client:client>/users/invite-employees",
    name="invite_employees",
    title=_("Invite employees"),
    permission=Permission.USERS,
)
@require_POST
def invite_employees(request: Any, client: str) -> HttpResponse:
    """Ask the worker to invite every employee who has no login yet, by the ways chosen."""
    found = client_of(request, client)
    form = WaysForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose at least one way to tell employees."))
        return redirect("workbench:users", client=client)
    made = ask(
        request.access,
        "invite employees",
        {"site": _site(request), "ways": form.cleaned_data["ways"]},
        client_id=found.pk,
        author=request.user.username,
        now=clock.now(),
    )
    noted(request, "did", "invite employees", found.pk)
    return redirect("workbench:request", number=made.pk)


@page("<client:client>/users/<int:user>/", name="user", title=_("User"), permission=Permission.USERS)
def user_of_client(request: Any, client: str, user: int) -> HttpResponse:
    """Show a user's roles for a client."""
    return _user(request, client_of(request, client).pk, client, user)


@page("users/<int:user>/", name="peo_user", title=_("User"), permission=Permission.USERS)
def user_of_peo(request: Any, user: int) -> HttpResponse:
    """Show a user's roles for every client."""
    request.access.require(Permission.USERS, EVERY_CLIENT)
    return _user(request, EVERY_CLIENT, HOUSE, user)


def _user(request: Any, client_id: int, code: str, number: int) -> HttpResponse:
    rows = users.users_of(client_id, with_ended=True).filter(user_id=number)
    if rows.is_empty():
        raise Http404
    noted(request, "saw", f"user {number}", client_id)
    columns = (*_columns(code)[2:5], Column("ended_at", _("Until"), kind="moment"))
    table = sheet(request, rows, columns, name="roles", caption=_("Roles here"))
    standing = rows.filter(rows["ended_at"].is_null())["role"].to_list()
    allowed = users.may_give(request.access, client_id)
    client = client_of(request, code) if client_id else None
    return show(
        request,
        "workbench/desks/user.html",
        title=rows["user"][0],
        client=client,
        crumbs=[(_("Users"), address("users", client=code) if client else address("peo_users"))],
        roles=table,
        ending=[one for one in allowed if ROLES[one].name in standing],
        giving=[(one, ROLES[one].name) for one in allowed if ROLES[one].name not in standing],
        act_href=address("user_act", client=code, user=number)
        if client
        else address("peo_user_act", user=number),
        is_self=number == request.access.user_id,
    )


@page("<client:client>/users/<int:user>/do", name="user_act", title=_("User"), permission=Permission.USERS)
@require_POST
def act_of_client(request: Any, client: str, user: int) -> HttpResponse:
    """Give or end a role, reset a second factor, end sessions."""
    return _act(request, client_of(request, client).pk, client, user)


@page("users/<int:user>/do", name="peo_user_act", title=_("User"), permission=Permission.USERS)
@require_POST
def act_of_peo(request: Any, user: int) -> HttpResponse:
    """Do so for a user of the PEO."""
    request.access.require(Permission.USERS, EVERY_CLIENT)
    return _act(request, EVERY_CLIENT, HOUSE, user)


def _act(request: Any, client_id: int, code: str, number: int) -> HttpResponse:
    user = User.objects.filter(pk=number).first()
    if user is None or users.users_of(client_id, with_ended=True).filter(user_id=number).is_empty():
        raise Http404
    access, by, now, why = request.access, request.user.username, clock.now(), reason_of(request)

    def do() -> None:
        match request.POST.get("act"):
            case "give":
                users.give(access, user, client_id, _role(request), author=by, now=now)
            case "end":
                users.end(access, user, client_id, _role(request), author=by, now=now)
            case "second factor":
                users.reset_second_factor(access, user, client_id, reason=why, now=now)
            case "sessions":
                users.end_sessions(access, user, client_id, reason=why, now=now)
            case _:
                raise Http404

    return act(request, do, said=_("Done."), to=_address(code, number))


def _role(request: Any) -> RoleCode:
    try:
        return RoleCode(request.POST.get("role", ""))
    except ValueError:
        raise Http404 from None


def _address(code: str, number: int) -> str:
    return address("peo_user", user=number) if code == HOUSE else address("user", client=code, user=number)


def _site(request: Any) -> str:
    return str(request.build_absolute_uri("/")).rstrip("/")
