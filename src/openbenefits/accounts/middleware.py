"""Every request of the web is one transaction with the rights of its user."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from openbenefits.accounts.services import Access, NotAllowed, access_of, working
from openbenefits.accounts.signing_in import lacks_second_factor

OWN_DOORS = ("/account/", "/sign-in/", "/static/", "/api/")
"""Where people come in and keep their keys: pages that are about nobody else. Programs have a door of their own."""

Answer = Callable[[HttpRequest], HttpResponse]


def access_middleware(get_response: Answer) -> Answer:
    """Give each request `access`, and a transaction that sees and writes what its user may."""

    def answer(request: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            request.access = Access(user_id=0, permissions={})
            return get_response(request)
        request.access = access = access_of(connection, request.user)
        if request.path.startswith(OWN_DOORS):
            return get_response(request)
        is_staff = access.person_id is None
        if lacks_second_factor(request.user, is_staff=is_staff):
            messages.info(request, _("Set up a second factor first: an authenticator app, or a passkey."))
            return redirect("mfa_index")
        try:
            with working(connection, access):
                response = get_response(request)
                if hasattr(response, "render"):
                    response.render()  # templates read rows, too
                return response
        except NotAllowed as refused:
            return render(request, "openbenefits/refused.html", {"why": str(refused)}, status=403)

    return answer
