"""An act that is tried first: a form, what it would change, and only then the act itself."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.accounts.approvals import ApprovalWanted
from openbenefits.core.faults import message_of
from openbenefits.workbench.pages import is_refusal, propose_instead
from openbenefits.workforce.recording import PeopleBusy

FAULTS = (ValueError, LookupError, PeopleBusy)
STEP, PREVIEW, APPLY = "step", "preview", "apply"

Work = Callable[[Mapping[str, Any], bool], Any]
"""Does what a form says, or rehearses it, and answers what it changes."""
Shown = Callable[[Any, Any], HttpResponse]
"""Shows a form, with what it would change (None: not tried yet)."""


def tried(
    request: Any, form: Any, work: Work, shown: Shown, *, said: str, to: str, done: Callable[[], Any]
) -> HttpResponse:
    """Show a form; tried, show it with what it would change; applied, go on to another page.

    done: writes down that it was done. What cannot be is said at the form, and nothing is done. What another
    person must approve first is proposed to him instead.
    """
    if request.method != "POST" or not form.is_valid():
        return shown(form, None)
    is_rehearsal = request.POST.get(STEP) != APPLY
    try:
        told = attempted(form, lambda: work(form.cleaned_data, is_rehearsal))
    except ApprovalWanted as wanted:
        if is_rehearsal:
            return shown(form, Waits())
        propose_instead(request, wanted, said)
        return redirect(to)
    if form.errors or is_rehearsal:
        return shown(form, None if form.errors else told)
    done()
    messages.success(request, said)
    return redirect(to)


class Waits:
    """Stands for what would change where another person must approve the act before it can be looked at."""

    def __str__(self) -> str:
        """Say what doing it comes to."""
        return _("Another person must approve this first; doing it asks for that approval. Nothing is done.")


def attempted(form: Any, work: Callable[[], Any]) -> Any:
    """Do something inside a savepoint; a fault of ours becomes an error of the form, and nothing is done."""
    try:
        with transaction.atomic():
            return work()
    except ApprovalWanted:
        raise
    except FAULTS as fault:
        if not is_refusal(fault):
            raise
        form.add_error(None, message_of(fault))
        return None
