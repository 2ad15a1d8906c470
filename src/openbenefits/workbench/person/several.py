"""A page about a person with several forms of one kind, of which one is sent at a time."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.workbench.pages import Words, show
from openbenefits.workbench.person.about import noted, person_href

REFUSED = 422


def several_forms(
    request: Any,
    client: Any,
    person: Any,
    forms: list[Any],
    *,
    bind: Callable[[int], Any],
    do: Callable[[Any], bool],
    template: str,
    title: Words,
    names: tuple[str, str],
) -> HttpResponse:
    """Show the forms; carry out the one that was sent, which its prefix names.

    bind: answers a form filled with what was sent, by its place. do: carries it out and answers whether that
    was anything new; what cannot be it says in the form.
    names: what the audit trail calls looking, and doing.
    """
    if request.method == "POST":
        place = next((at for at, one in enumerate(forms) if one.prefix == request.POST.get("place")), None)
        if place is None:
            raise Http404
        form = forms[place] = bind(place)
        if form.is_valid() and _done(request, person, form, do, names[1]):
            return redirect(request.path)
    else:
        noted(request, "saw", names[0], person)
    return show(
        request,
        template,
        title=title,
        client=client,
        crumbs=[(person.employee_number, person_href(client.code, person.employee_number))],
        forms=forms,
        status=REFUSED if request.method == "POST" else 200,
    )


def _done(request: Any, person: Any, form: Any, do: Callable[[Any], bool], name: str) -> bool:
    is_new = do(form)
    if form.errors:
        return False
    if is_new:
        noted(request, "did", name, person)
        messages.success(request, _("Written down."))
    else:
        messages.info(request, _("That stands already; nothing was written."))
    return True
