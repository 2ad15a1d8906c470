"""Filters that people keep: the settings of a page's address, under a name, for oneself or all the staff."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.db.models import Q
from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.store.isolation import PEO
from openbenefits.workbench.models import SavedFilter
from openbenefits.workbench.pages import PAGES, act, address, page

PASSING = ("page", "export")
"""Settings of a moment: which page of a sheet, and as which file."""


class SaveForm(forms.Form):
    """What is to be kept, of which page."""

    name = forms.CharField(max_length=60)
    page = forms.ChoiceField(choices=lambda: [(name, name) for name in PAGES])
    query = forms.CharField(max_length=4000, required=False)
    back = forms.CharField(max_length=5000)
    is_shared = forms.BooleanField(required=False)


def saved_of(request: Any, client_id: int | None) -> list[SavedFilter]:
    """List the filters a user keeps of the page he is on, and those that others share."""
    name, is_mine = request.resolver_match.url_name, Q(user_id=request.access.user_id)
    found = SavedFilter.objects.filter(is_mine | Q(is_shared=True), page=name, client_id=client_id or PEO)
    return list(found.select_related("user").order_by("name", "pk"))


def kept_of(query: str) -> str:
    """Leave away of an address what is not worth keeping."""
    settings = parse_qsl(query.removeprefix("?"))
    return urlencode([(name, value) for name, value in settings if name.rpartition(".")[2] not in PASSING])


@page("filters/save", name="save_filter", title=_("Keep a filter"))
@require_POST
def save_filter(request: Any) -> HttpResponse:
    """Keep the settings of a page under a name; the same name again replaces them."""
    form = SaveForm(request.POST)
    to = _back(request)

    def save() -> None:
        if not form.is_valid():
            raise FilterRefused(_("expected a name for the filter, found none; give it one"))
        SavedFilter.objects.update_or_create(
            user_id=request.access.user_id,
            client_id=int(request.POST.get("client_id") or PEO),
            page=form.cleaned_data["page"],
            name=form.cleaned_data["name"],
            defaults={
                "query": kept_of(form.cleaned_data["query"]),
                "is_shared": form.cleaned_data["is_shared"],
            },
        )

    return act(request, save, said=_("The filter is kept."), to=to)


class FilterRefused(ValueError):
    """A filter that cannot be kept."""


@page("filters/<int:number>/drop", name="drop_filter", title=_("Drop a filter"))
@require_POST
def drop_filter(request: Any, number: int) -> HttpResponse:
    """Drop a filter of one's own."""
    mine = SavedFilter.objects.filter(user_id=request.access.user_id, pk=number)
    return act(request, mine.delete, said=_("The filter is dropped."), to=_back(request))


def _back(request: Any) -> str:
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return back if is_ours else address("home")
