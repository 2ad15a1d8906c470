"""Long work asked for on a page: put to the worker, noted, and led to where its progress is seen."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.background.services import ask
from openbenefits.store.isolation import PEO
from openbenefits.workbench.pages import act
from openbenefits.workforce.models import Client


def asked(
    request: Any, client: Client, kind: str, asked_for: Mapping[str, Any], *, said: str, back: str
) -> HttpResponse:
    """Ask the worker for something, and go where its progress is seen; what is refused is told at `back`."""
    return _asked(request, client.pk, kind, asked_for, said=said, back=back)


def asked_of_peo(
    request: Any, kind: str, asked_for: Mapping[str, Any], *, said: str, back: str
) -> HttpResponse:
    """Ask for something of several clients at once, as `asked`."""
    return _asked(request, PEO, kind, asked_for, said=said, back=back)


def _asked(
    request: Any, client_id: int, kind: str, asked_for: Mapping[str, Any], *, said: str, back: str
) -> HttpResponse:
    made: list[int] = []

    def do() -> None:
        found = ask(
            request.access,
            kind,
            asked_for,
            client_id=client_id,
            author=request.user.username,
            now=clock.now(),
        )
        reason = str(asked_for.get("reason", ""))
        note(request.access, "did", said, client_id=client_id, reason=reason, now=clock.now())
        made.append(found.pk)

    answer = act(request, do, said=_("It is asked for. The worker takes it up in its turn."), to=back)
    return redirect("workbench:request", number=made[0]) if made else answer
