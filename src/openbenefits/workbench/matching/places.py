"""Whose comparison a page is about: a client's, or a prospect's, who is none yet; and where its pages are."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.matching.services import Kept, NoComparison, look
from openbenefits.store.isolation import PEO
from openbenefits.workbench.pages import Section, address, client_of, page

MAY = Permission.SETUP
"""Who compares packages: what the PEO earns by them is no client's business."""

BEST_PLAN, PROSPECTS = _("Best plan"), _("Prospects")
View = TypeVar("View", bound=Callable[..., HttpResponse])


def both(where: str, *, name: str, title: str | Promise, listed: bool = False) -> Callable[[View], View]:
    """Register a view twice: below a client, and for prospects."""

    def registered(view: View) -> View:
        section = Section.SETUP if listed else None
        own = BEST_PLAN if listed else title
        page(f"<client:client>/best-plan/{where}", name=name, title=own, section=section, permission=MAY)(
            view
        )
        page(
            f"prospects/{where}",
            name=f"prospect_{name}",
            title=PROSPECTS if listed else title,
            section=section,
            permission=MAY,
            of_peo=True,
        )(view)
        return view

    return registered


def whose(request: Any, client: str | None) -> int:
    """Answer the number comparisons are kept under."""
    return PEO if client is None else client_of(request, client).pk


def place(client: str | None, name: str, **parts: Any) -> str:
    """Answer the address of a page of this area."""
    if client is None:
        return address(f"prospect_{name}", **parts)
    return address(name, client=client, **parts)


def shown_for(request: Any, client: str | None, *crumbs: tuple[str | Promise, str]) -> dict[str, Any]:
    """What every page of this area shows around itself."""
    first = (BEST_PLAN if client else PROSPECTS, place(client, "matches"))
    return {
        "client": client_of(request, client) if client else None,
        "crumbs": [first, *crumbs],
    }


def kept_of(request: Any, client: str | None, number: int) -> Kept:
    """Find a comparison, with the ordering the address asks for.

    Errors: Http404.
    """
    asked = request.GET.get("ordering", "")
    try:
        return look(whose(request, client), number, int(asked) if asked.isdecimal() else None)
    except NoComparison:
        raise Http404 from None
