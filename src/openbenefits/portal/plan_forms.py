"""The forms of an enrolment: what is chosen in a plan type, for whom, and what use is expected."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.choosing.offered import Choice, PlanChoice, Stated
from openbenefits.choosing.rules.stated import WAIVER
from openbenefits.core.codes import AmountKind, WaiverProof
from openbenefits.portal.fields import Tied, day_field, dollars_field, percent_field, plain_percent, scaled

PROOFS = (
    ("", "–"),
    (str(WaiverProof.EMPLOYER_PLAN), gettext_lazy("a plan of another employer")),
    (str(WaiverProof.MEDICARE), "Medicare"),
    (str(WaiverProof.MEDICAID), "Medicaid"),
    (str(WaiverProof.MILITARY), gettext_lazy("military coverage")),
    (str(WaiverProof.EXCHANGE), gettext_lazy("a plan of the marketplace")),
    (str(WaiverProof.OTHER), gettext_lazy("another plan")),
)
UNITS = (("year", gettext_lazy("for the whole year")), ("pay", gettext_lazy("from each pay")))


class PlanForm(Tied):
    """What a person chooses in one plan type."""

    def __init__(self, plan: PlanChoice, data: Any = None, *, pays: int | None = None) -> None:
        self.plan, self.pays = plan, pays
        super().__init__(data, initial=_initial(plan))
        self.offered = [one for one in plan.options if one.is_electable and (one.is_fitting or one.is_waiver)]
        self.fields["option"] = forms.ChoiceField(
            choices=[(one.code, one.code) for one in self.offered],
            error_messages={
                "required": _("Choose one."),
                "invalid_choice": _("This is not offered for the people you ticked. Choose one of the list."),
            },
        )
        self._amounts(plan)
        for code, name in plan.funds:
            self.fields[f"fund_{code}"] = _whole_percent(name)
        if plan.names_beneficiaries:
            for number, name in plan.may_receive:
                self.fields[f"share_{number}"] = percent_field(name)
                self.fields[f"contingent_{number}"] = percent_field(name)
        self._waiving(plan)

    def _amounts(self, plan: PlanChoice) -> None:
        if plan.amount_kind == AmountKind.PLEDGE:
            self.fields["amount"] = dollars_field(_("How much"))
            self.fields["unit"] = forms.ChoiceField(choices=UNITS, required=False, initial="year")
        elif plan.amount_kind == AmountKind.PERCENT:
            self.fields["percent"] = percent_field(_("Percent of your pay, before tax"))
            if plan.maximum_after_tax_thousandths:
                self.fields["after_tax"] = percent_field(_("Percent of your pay, after tax"))
        elif plan.amount_kind == AmountKind.HOURS:
            self.fields["hours"] = dollars_field(_("Hours"))
        if plan.pays_care:
            self.fields["files_separately"] = forms.BooleanField(
                label=_("I am married and file my taxes separately"), required=False
            )

    def _waiving(self, plan: PlanChoice) -> None:
        if plan.waiver is None:
            return
        self.fields["waive_reason"] = forms.CharField(
            label=_("Why you decline (if you like)"), max_length=120, required=False
        )
        if plan.is_waiver_proved:
            self.fields["proof"] = forms.ChoiceField(
                label=_("Your other insurance"), choices=PROOFS, required=False
            )
            self.fields["proof_on"] = day_field(_("The day you showed proof of it"), required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for the amount where one is needed, in the unit said."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("option") in (None, WAIVER):
            return told
        for name, words in (("amount", _("Say how much.")), ("hours", _("Say how many hours."))):
            if name in self.fields and name not in self.errors and told.get(name) is None:
                self.add_error(name, words)
        return told

    def stated(self, cover: Sequence[int]) -> Stated:
        """Answer the choice, once it is valid."""
        told = self.cleaned_data
        code = told["option"]
        if code == WAIVER:
            return Stated(
                option_code=WAIVER,
                waive_reason=told.get("waive_reason") or None,
                waiver_proof=told.get("proof") or None,
                waiver_proof_on=told.get("proof_on"),
            )
        return Stated(
            option_code=code,
            pledge_cents=self._pledge(),
            percent_thousandths=scaled(told.get("percent"), 3),
            after_tax_thousandths=scaled(told.get("after_tax"), 3),
            hours_hundredths=scaled(told.get("hours"), 2),
            files_separately=bool(told.get("files_separately")),
            dependents=tuple(sorted(cover)) if self.plan.names_dependents else (),
            funds=tuple((one, told[f"fund_{one}"]) for one, _n in self.plan.funds if told[f"fund_{one}"]),
            beneficiaries=self._shares("share"),
            contingent_beneficiaries=self._shares("contingent"),
        )

    def _pledge(self) -> int | None:
        cents = scaled(self.cleaned_data.get("amount"), 2)
        if cents is None or self.cleaned_data.get("unit") != "pay" or not self.pays:
            return cents
        return cents * self.pays

    def _shares(self, kind: str) -> tuple[tuple[int, int], ...]:
        if not self.plan.names_beneficiaries:
            return ()
        said = self.cleaned_data
        told = {number: scaled(said[f"{kind}_{number}"], 2) for number, _name in self.plan.may_receive}
        return tuple((number, share) for number, share in told.items() if share)

    @property
    def fund_fields(self) -> list[Any]:
        """The fields of the funds."""
        return [self[f"fund_{code}"] for code, _name in self.plan.funds]

    @property
    def share_fields(self) -> list[tuple[Any, Any]]:
        """For each person who may receive, the primary and the contingent share."""
        if not self.plan.names_beneficiaries:
            return []
        return [(self[f"share_{one}"], self[f"contingent_{one}"]) for one, _name in self.plan.may_receive]


def _whole_percent(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=100,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def _initial(plan: PlanChoice) -> dict[str, Any]:
    """What was said last, else what is held."""
    stated = plan.stated or (plan.held.stated if plan.held else None)
    if stated is None:
        return {}
    told: dict[str, Any] = {"option": _fitting(plan, stated), "unit": "year"}
    for name, value, decimals in (
        ("amount", stated.pledge_cents, 2),
        ("percent", stated.percent_thousandths, 3),
        ("after_tax", stated.after_tax_thousandths, 3),
        ("hours", stated.hours_hundredths, 2),
    ):
        if value is not None:
            told[name] = Decimal(value).scaleb(-decimals).normalize().__format__("f")
    if stated.pledge_cents is not None:
        told["amount"] = f"{Decimal(stated.pledge_cents).scaleb(-2):.2f}"
    told |= {"files_separately": stated.files_separately, "waive_reason": stated.waive_reason or ""}
    told |= {"proof": stated.waiver_proof or "", "proof_on": stated.waiver_proof_on}
    told |= {f"fund_{code}": share for code, share in stated.funds}
    for kind, shares in (("share", stated.beneficiaries), ("contingent", stated.contingent_beneficiaries)):
        told |= {f"{kind}_{number}": plain_percent(share) for number, share in shares}
    return told


def _fitting(plan: PlanChoice, stated: Stated) -> str:
    """The option said, or of the same plan the one that fits whom one means to cover now."""
    said = plan.option(stated.option_code)
    if said is not None and (said.is_fitting or said.is_waiver):
        return stated.option_code
    name = said.name if said is not None else (plan.held.name if plan.held else "")
    same: list[Choice] = [one for one in plan.options if one.is_fitting and one.name == name]
    return same[0].code if same else stated.option_code


class CoverForm(forms.Form):
    """Whom one means to cover."""

    cover = forms.MultipleChoiceField(required=False)

    def __init__(self, plan: PlanChoice, data: Any) -> None:
        super().__init__(data)
        self.fields["cover"].choices = [  # type: ignore[attr-defined]
            (str(one.number), one.name) for one in plan.members if one.why_not is None
        ]


class UseForm(Tied):
    """What a household expects to need in a year."""

    level = forms.CharField(max_length=10, required=False)
    primary_visits = forms.IntegerField(min_value=0, max_value=365, required=False)
    specialist_visits = forms.IntegerField(min_value=0, max_value=365, required=False)
    emergency_visits = forms.IntegerField(min_value=0, max_value=100, required=False)
    drugs = forms.IntegerField(min_value=0, max_value=1000, required=False)
    other_dollars = forms.IntegerField(min_value=0, max_value=1_000_000, required=False)
