"""Who is to receive: what a signed form says is entered for somebody, outside an enrolment."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.choosing.drafts import By
from openbenefits.choosing.receivers import Receiving, name_receivers, receiving_of
from openbenefits.enrollment.designations import DesignationRefused, Shares
from openbenefits.workbench.pages import client_of, page
from openbenefits.workbench.person.about import author_of, somebody
from openbenefits.workbench.person.forms import day_field
from openbenefits.workbench.person.several import several_forms

KINDS = {False: "primary", True: "contingent"}


class ReceiversForm(forms.Form):
    """The shares of one plan type, in percent: of whoever receives first, and of whoever comes after them."""

    signed_on = day_field(label=gettext_lazy("Signed on"))

    def __init__(self, place: Receiving, data: Any = None) -> None:
        """Offer everybody on file; what stands is filled in."""
        self.place = place
        super().__init__(data, prefix=self.key, initial={"signed_on": clock.today()})
        for one in place.candidates:
            for is_contingent, kind in KINDS.items():
                share = place.share_of(one.number, is_contingent=is_contingent)
                self.fields[f"{kind}_{one.number}"] = forms.DecimalField(
                    label=f"{one.number}: {one.name}, {_(kind)}, %",
                    min_value=0,
                    max_value=100,
                    decimal_places=2,
                    required=False,
                    initial=None if share is None else f"{Decimal(share).scaleb(-2).normalize():f}",
                )

    @property
    def key(self) -> str:
        """What tells the forms of a page apart."""
        return f"{self.place.benefit_record}-{self.place.plan_type}"

    def clean_signed_on(self) -> Any:
        """Nobody has signed in the future."""
        day = self.cleaned_data["signed_on"]
        if day > clock.today():
            raise forms.ValidationError(_("Expected a day that has come, found one to come. Correct it."))
        return day

    def shares(self) -> Shares:
        """Answer what was typed."""

        def of(kind: str) -> tuple[tuple[int, int], ...]:
            told = {
                one.number: self.cleaned_data.get(f"{kind}_{one.number}") for one in self.place.candidates
            }
            return tuple((number, int(share.scaleb(2))) for number, share in told.items() if share)

        return Shares(
            benefit_record=self.place.benefit_record,
            plan_type=self.place.plan_type,
            primary=of("primary"),
            contingent=of("contingent"),
        )


@page(
    "<client:client>/people/<number:number>/beneficiaries/",
    name="receivers",
    title=gettext_lazy("Beneficiaries"),
    permission=Permission.ELECT,
)
def receivers(request: Any, client: str, number: str) -> HttpResponse:
    """Show who is to receive of what is in force today, and enter what a signed form says."""
    found = client_of(request, client)
    person = somebody(found, number)
    places = receiving_of(connection, found.pk, person.pk, on=clock.today())
    return several_forms(
        request,
        found,
        person,
        [ReceiversForm(place) for place in places],
        bind=lambda place: ReceiversForm(places[place], request.POST),
        do=lambda form: _named(request, person, form),
        template="workbench/person/receivers.html",
        title=_("Beneficiaries of %(number)s") % {"number": number},
        names=("beneficiaries", "beneficiaries named"),
    )


def _named(request: Any, person: Any, form: ReceiversForm) -> bool:
    by = By(user_id=request.user.pk, author=author_of(request), now=clock.now())
    on = form.cleaned_data["signed_on"]
    try:
        return name_receivers(connection, person.client_id, person.pk, form.shares(), on=on, by=by)
    except DesignationRefused as refused:
        form.add_error(None, str(refused))
        return False
