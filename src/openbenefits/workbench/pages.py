"""The pages of the workbench: registered by decorator, with who may open each, and the frame they share.

A page is a view of one path. The decorator sees to it that whoever comes is staff and may do what the page is
for; row-level security sees to whose rows he finds (accounts.middleware).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, TypeAlias

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, URLPattern, path, register_converter, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from openbenefits.accounts import clock
from openbenefits.accounts.approvals import ApprovalWanted, propose
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, NotAllowed
from openbenefits.casework.notices import unseen
from openbenefits.core.faults import OWN, message_of
from openbenefits.store.isolation import PEO
from openbenefits.workforce.models import Client

Words: TypeAlias = str | Promise
View: TypeAlias = Callable[..., HttpResponse]


class Section(Enum):
    """The parts of the navigation, in their order."""

    TODAY = _("Today")
    WORK = _("Tasks and cases")
    PEOPLE = _("People")
    PROCESS = _("Process")
    DESKS = _("Desks")
    CARRIERS = _("Carriers")
    REPORTS = _("Reports")
    RENEWALS = _("Renewals")
    SETUP = _("Set-up")
    HOUSE = _("House")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: its path below the workbench, its name for `reverse`, and who may open it.

    section: where the navigation shows it; None: pages lead to it.
    permission: what one must be allowed, for the client of the path, or for any client where it names none;
                of_peo: for all clients at once.
    """

    path: str
    name: str
    title: Words
    section: Section | None
    permission: Permission
    view: View
    of_peo: bool = False

    @property
    def is_of_client(self) -> bool:
        """Whether the path names a client."""
        return self.path.startswith("<client:client>/")


PAGES: dict[str, Page] = {}


class ClientCode:
    """A client's code in a path."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Leave it as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Leave it as it is."""
        return value


register_converter(ClientCode, "client")


def page(
    where: str,
    *,
    name: str,
    title: Words,
    section: Section | None = None,
    permission: Permission = Permission.SEE,
    of_peo: bool = False,
) -> Callable[[View], View]:
    """Register a view as a page; `<client:client>/` at the beginning of its path names its client."""

    def registered(view: View) -> View:
        if name in PAGES:
            raise ValueError(f"expected one page of the name '{name}', found two; rename one")
        guarded = never_cache(login_required(_guarded(view, permission, of_peo=of_peo)))
        PAGES[name] = Page(
            path=where,
            name=name,
            title=title,
            section=section,
            permission=permission,
            view=guarded,
            of_peo=of_peo,
        )
        return view

    return registered


def _guarded(view: View, permission: Permission, *, of_peo: bool) -> View:
    @wraps(view)
    def answer(request: Any, **parts: Any) -> HttpResponse:
        access: Access = request.access
        if not is_staff(access):
            raise NotAllowed("expected a login of staff, found none; employees have pages of their own")
        if "client" in parts:
            access.require(permission, client_of(request, parts["client"]).pk)
        elif of_peo:
            access.require(permission, PEO)
        elif not may_anywhere(access, permission):
            raise NotAllowed(
                f"expected a role that may '{permission}', found none; ask an administrator for it"
            )
        return view(request, **parts)

    return answer


def is_staff(access: Access) -> bool:
    """Whether somebody works here: he has a role, and is not here as an employee."""
    return access.person_id is None and bool(access.permissions)


def may_anywhere(access: Access, permission: Permission) -> bool:
    """Whether somebody may do something for at least one client."""
    return any(permission in allowed for allowed in access.permissions.values())


def client_of(request: Any, code: str) -> Client:
    """Find the client of a path.

    Errors: Http404 if there is none, or it is not the user's to see.
    """
    found: dict[str, Client] = request.__dict__.setdefault("_clients", {})
    if code not in found:
        client = Client.objects.filter(code=code).first()
        if client is None:
            raise Http404
        found[code] = client
    return found[code]


def urls() -> list[URLPattern]:
    """Answer the paths of all pages registered."""
    fixed_first = sorted(PAGES.values(), key=lambda one: one.is_of_client)  # no client is called "runs"
    return [path(one.path, one.view, name=one.name) for one in fixed_first]


# --- the frame ----------------------------------------------------------------------------------------------


def show(
    request: Any,
    template: str,
    *,
    title: Words,
    client: Client | None = None,
    crumbs: Sequence[tuple[Words, str]] = (),
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render a page inside the frame.

    crumbs: the way here, as texts and addresses, without the page itself.
    """
    from openbenefits.workbench.filters import saved_of  # its pages are registered here

    told = context | {
        "title": title,
        "client": client,
        "crumbs": crumbs,
        "navigation": _navigation(request.access, client, request.path),
        "saved": saved_of(request, client.pk if client else None),
        "clients": Client.objects.order_by("code")[:MOST_CLIENTS],
        "unseen": unseen(request.access),
    }
    return render(request, template, told, status=status)


MOST_CLIENTS = 500  # in the list one changes clients by


def _navigation(access: Access, client: Client | None, here: str) -> list[dict[str, Any]]:
    found = []
    for section in Section:
        links = [
            {"title": one.title, "href": href, "is_here": href == here}
            for one in PAGES.values()
            if one.section is section and (href := _listed(one, access, client))
        ]
        if links:
            found.append({"title": section.value, "links": links})
    return found


def _listed(one: Page, access: Access, client: Client | None) -> str | None:
    """Answer the address of a page as the navigation shows it, None where it is not to be shown."""
    if one.is_of_client:
        if client is None or not access.may(one.permission, client.pk):
            return None
        return address(one.name, client=client.code)
    if one.of_peo:
        return address(one.name) if access.may(one.permission, PEO) else None
    return address(one.name) if may_anywhere(access, one.permission) else None


def address(name: str, **parts: Any) -> str:
    """Answer the address of a page by its name.

    Errors: NoReverseMatch for a page there is not.
    """
    return reverse(f"workbench:{name}", kwargs=parts)


def same_page(name: str, code: str) -> str:
    """Answer the address of a page for another client; the client's home where the page wants more."""
    try:
        return address(name, client=code)
    except NoReverseMatch:
        return address("client", client=code)


# --- acts ---------------------------------------------------------------------------------------------------


def act(request: HttpRequest, do: Callable[[], Any], *, said: Words, to: str) -> HttpResponse:
    """Do something that a form asked for, then go where its result is seen.

    What the product refuses is shown there in its own words, and nothing is done. Other faults are raised.
    """
    try:
        with transaction.atomic():
            do()
    except NotAllowed:
        raise
    except ApprovalWanted as wanted:
        propose_instead(request, wanted, str(said))
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        messages.error(request, message_of(fault))
    else:
        messages.success(request, str(said))
    return redirect(to)


def propose_instead(request: Any, wanted: ApprovalWanted, said: str) -> None:
    """Ask another user to approve what could not be done without: he finds it among the approvals."""
    reason = reason_of(request) or said
    made = propose(request.access, wanted.matter, reason=reason, now=clock.now())
    told = _(
        "Another person must approve this first: it waits under Approvals as %(number)s. Do it again then."
    )
    messages.warning(request, told % {"number": made.pk})


def is_refusal(fault: Exception) -> bool:
    """Whether the product says no in its own words, and it is not a fault of the program."""
    kind = type(fault)
    return kind.__module__.startswith(OWN) or kind is LookupError


def reason_of(request: HttpRequest) -> str:
    """Read the reason a form states; empty if none."""
    posted: Mapping[str, Any] = request.POST
    return str(posted.get("reason", "")).strip()
