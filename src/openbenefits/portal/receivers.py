"""Who is to receive of one plan type, said at any time."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.choosing.receivers import Receiving, name_receivers, receiving_of
from openbenefits.enrollment.designations import DesignationRefused, Shares
from openbenefits.portal.fields import Tied, percent_field, plain_percent, scaled
from openbenefits.portal.pages import Me, page, posted, shown

ALL = Decimal(100)
PRIMARY, CONTINGENT = "share", "contingent"


class ReceiversForm(Tied):
    """Shares of everybody who may receive: the primary ones, and those who come only after them."""

    def __init__(self, place: Receiving, data: Any = None) -> None:
        self.place = place
        super().__init__(data)
        for one in place.candidates:
            for kind in (PRIMARY, CONTINGENT):
                share = place.share_of(one.number, is_contingent=kind == CONTINGENT)
                field = percent_field(one.name)
                field.initial = None if share is None else plain_percent(share)
                self.fields[f"{kind}_{one.number}"] = field

    def clean(self) -> Any:
        """Each class adds up to 100 percent; somebody is to receive first."""
        told = super().clean() or self.cleaned_data
        if self.errors:
            return told
        primary, contingent = self._told(PRIMARY), self._told(CONTINGENT)
        if sum(primary.values()) != ALL:
            self.add_error(None, _("The shares of those who receive first must add up to 100 percent."))
        if contingent and sum(contingent.values()) != ALL:
            self.add_error(None, _("The shares of those who come after them must add up to 100 percent."))
        return told

    def _told(self, kind: str) -> dict[int, Decimal]:
        told = {one.number: self.cleaned_data.get(f"{kind}_{one.number}") for one in self.place.candidates}
        return {number: share for number, share in told.items() if share}

    def shares(self) -> Shares:
        """Answer what was typed, once it is valid."""

        def of(kind: str) -> tuple[tuple[int, int], ...]:
            return tuple((number, scaled(share, 2) or 0) for number, share in self._told(kind).items())

        return Shares(
            benefit_record=self.place.benefit_record,
            plan_type=self.place.plan_type,
            primary=of(PRIMARY),
            contingent=of(CONTINGENT),
        )

    @property
    def first(self) -> list[Any]:
        """The fields of those who receive first."""
        return [self[f"{PRIMARY}_{one.number}"] for one in self.place.candidates]

    @property
    def after(self) -> list[Any]:
        """The fields of those who receive where nobody of the first is left."""
        return [self[f"{CONTINGENT}_{one.number}"] for one in self.place.candidates]


@page("beneficiaries")
def receivers(request: HttpRequest, me: Me, record: int, plan_type: str) -> HttpResponse:
    """Name who is to receive of something in force, outside an enrolment."""
    places = receiving_of(connection, me.client_id, me.person_id, on=me.today)
    wanted = (record, plan_type)
    place = next((one for one in places if (one.benefit_record, one.plan_type) == wanted), None)
    if place is None:
        raise Http404
    form = ReceiversForm(place, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            is_new = name_receivers(
                connection, me.client_id, me.person_id, form.shares(), on=me.today, by=me.by()
            )
            if is_new:
                me.did("portal: beneficiaries named")
            messages.success(request, _("Saved. It counts from today."))
            return redirect("portal:family")
        except DesignationRefused:
            form.add_error(None, _("This cannot be recorded so. Look at the shares again."))
    form.tie()
    status = 422 if request.method == "POST" else 200
    return shown(request, me, "receivers.html", {"place": place, "form": form}, status=status)
