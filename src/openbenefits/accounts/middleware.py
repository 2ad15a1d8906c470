"""Every request of the web is one transaction with the rights of its user."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.accounts import clock
from openbenefits.accounts.language import speak
from openbenefits.accounts.services import Access, NotAllowed, access_of, note_refusal, working
from openbenefits.accounts.signing_in import lacks_second_factor

OWN_DOORS = ("/account/", "/sign-in/", "/language/", "/static/", "/api/")
"""Where people come in and keep their keys: pages about nobody else. Programs have their own door."""

Answer = Callable[[HttpRequest], HttpResponse]


def access_middleware(get_response: Answer) -> Answer:
    """Give each request `access`, and a transaction that sees and writes what its user may."""

    def answer(request: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            request.access = Access(user_id=0, permissions={})
            return get_response(request)
        speak(request)
        request.access = access = access_of(connection, request.user)
        if request.path.startswith(OWN_DOORS):
            return get_response(request)
        is_staff = access.person_id is None
        if lacks_second_factor(request.user, is_staff=is_staff):
            messages.info(request, _("Set up a second factor first: an authenticator app, or a passkey."))
            return redirect("mfa_index")
        with working(connection, access):
            response = get_response(request)
            if hasattr(response, "render"):
                response.render()  # templates read rows, too
        if getattr(request, "is_refused", False):
            note_refusal(connection, access, page_of(request), now=clock.now())
        return response

    def process_exception(request: Any, fault: Exception) -> None:
        """Give up what the request has done: Django makes a page of the fault, and would commit the rest."""
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        request.is_refused = isinstance(fault, NotAllowed)

    answer.process_exception = process_exception  # type: ignore[attr-defined]
    return answer


def page_of(request: Any) -> str:
    """Name the page somebody asked for, without what its address says of a person."""
    found = request.resolver_match
    return found.view_name or found.route if found else "no page"
