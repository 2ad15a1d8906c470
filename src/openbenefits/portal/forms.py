"""The portal's forms: what a person may write, read without ever being a float, with errors at the field."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.choosing.household import Person
from openbenefits.choosing.lives import Brings, LifeKind
from openbenefits.choosing.offered import Choice, PlanChoice, Stated
from openbenefits.choosing.rules.stated import WAIVER
from openbenefits.core.codes import AmountKind, PersonType, WaiverProof
from openbenefits.portal.words import DOCUMENT_KINDS, RELATIONSHIPS

MOST_DOLLARS = Decimal(10_000_000)
SEXES = (
    ("", "–"),
    ("F", gettext_lazy("female")),
    ("M", gettext_lazy("male")),
    ("X", gettext_lazy("another")),
)
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
COVERED = (PersonType.SPOUSE, PersonType.SAME_SEX_SPOUSE, PersonType.DOMESTIC_PARTNER, PersonType.CHILD,
           PersonType.ADULT_CHILD, PersonType.OTHER_QUALIFIED, PersonType.BENEFICIARY)  # fmt: skip


class Tied(forms.Form):
    """A form whose fields say, to a screen reader too, which error is theirs."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, label_suffix="", **more)

    def tie(self) -> None:
        """Tie each error to its field."""
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs |= {
                    "aria-invalid": "true",
                    "aria-describedby": f"id_{name}_error",
                }


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


def _dollars(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_value=MOST_DOLLARS,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _percent(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_value=100,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _scaled(value: Decimal | None, decimals: int) -> int | None:
    return None if value is None else int(value.scaleb(decimals).to_integral_exact())


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
            for one in plan.members:
                self.fields[f"share_{one.number}"] = _percent(one.name)
                self.fields[f"contingent_{one.number}"] = _percent(one.name)
        self._waiving(plan)

    def _amounts(self, plan: PlanChoice) -> None:
        if plan.amount_kind == AmountKind.PLEDGE:
            self.fields["amount"] = _dollars(_("How much"))
            self.fields["unit"] = forms.ChoiceField(choices=UNITS, required=False, initial="year")
        elif plan.amount_kind == AmountKind.PERCENT:
            self.fields["percent"] = _percent(_("Percent of your pay, before tax"))
            if plan.maximum_after_tax_thousandths:
                self.fields["after_tax"] = _percent(_("Percent of your pay, after tax"))
        elif plan.amount_kind == AmountKind.HOURS:
            self.fields["hours"] = _dollars(_("Hours"))
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
            self.fields["proof_on"] = _day(_("The day you showed proof of it"), required=False)

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
            percent_thousandths=_scaled(told.get("percent"), 3),
            after_tax_thousandths=_scaled(told.get("after_tax"), 3),
            hours_hundredths=_scaled(told.get("hours"), 2),
            files_separately=bool(told.get("files_separately")),
            dependents=tuple(sorted(cover)) if self.plan.names_dependents else (),
            funds=tuple((one, told[f"fund_{one}"]) for one, _n in self.plan.funds if told[f"fund_{one}"]),
            beneficiaries=self._shares("share"),
            contingent_beneficiaries=self._shares("contingent"),
        )

    def _pledge(self) -> int | None:
        cents = _scaled(self.cleaned_data.get("amount"), 2)
        if cents is None or self.cleaned_data.get("unit") != "pay" or not self.pays:
            return cents
        return cents * self.pays

    def _shares(self, kind: str) -> tuple[tuple[int, int], ...]:
        if not self.plan.names_beneficiaries:
            return ()
        told = {
            one.number: _scaled(self.cleaned_data[f"{kind}_{one.number}"], 2) for one in self.plan.members
        }
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
        return [(self[f"share_{one.number}"], self[f"contingent_{one.number}"]) for one in self.plan.members]


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
        told |= {f"{kind}_{number}": Decimal(share).scaleb(-2).normalize() for number, share in shares}
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


class PersonForm(Tied):
    """A dependent, or somebody who may receive."""

    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=60)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=60)
    birth_on = _day(gettext_lazy("Date of birth"))
    sex = forms.ChoiceField(label=gettext_lazy("Sex"), choices=SEXES, required=False)

    def __init__(self, data: Any = None, *, today: date, is_new: bool = True, **more: Any) -> None:
        self.today = today
        super().__init__(data, **more)
        if is_new:
            kinds = [(str(kind), RELATIONSHIPS[str(kind)]) for kind in COVERED]
            self.fields["person_type"] = forms.ChoiceField(label=_("What they are to you"), choices=kinds)
            self.fields["since"] = _day(_("Since when"), initial=today)
            self.fields["ends_first"] = forms.BooleanField(
                label=_("My present spouse or partner is one no longer"), required=False
            )

    def clean_birth_on(self) -> date:
        """Nobody is born in the days to come, or long ago."""
        return _past(self.cleaned_data["birth_on"], self.today)

    def person(self, person_type: str | None = None) -> Person:
        """Answer who it is, once it is valid."""
        told = self.cleaned_data
        return Person(
            first_name=told["first_name"].strip(),
            last_name=told["last_name"].strip(),
            person_type=person_type or told["person_type"],
            birth_on=told["birth_on"],
            sex=told["sex"] or None,
        )


OLDEST = date(1900, 1, 1)


def _past(day: date, today: date) -> date:
    if day > today:
        raise forms.ValidationError(
            _("Expected a day until today, found one to come. Report it when it has happened.")
        )
    if day < OLDEST:
        raise forms.ValidationError(_("Expected a day after 1900. Check the year."))
    return day


class LifeForm(Tied):
    """A life event: when, and whom it brings or ends; nothing that is not needed."""

    def __init__(
        self, kind: LifeKind, data: Any = None, *, today: date, leaving: Sequence[Any], last_name: str
    ) -> None:
        self.kind, self.today = kind, today
        super().__init__(data)
        brings = kind.brings
        if brings in (Brings.CHILD, Brings.SPOUSE):
            self.fields["first_name"] = forms.CharField(label=_("First name"), max_length=60)
            self.fields["last_name"] = forms.CharField(
                label=_("Last name"), max_length=60, initial=last_name if brings is Brings.CHILD else ""
            )
        self.fields["on"] = _day(_day_label(kind))
        if brings is Brings.SPOUSE or kind.code == "ADO":
            self.fields["birth_on"] = _day(_("Date of birth"))
        if brings in (Brings.CHILD, Brings.SPOUSE):
            self.fields["sex"] = forms.ChoiceField(label=_("Sex"), choices=SEXES, required=False)
        if brings is Brings.SPOUSE:
            self.fields["ends_first"] = forms.BooleanField(
                label=_("My present spouse or partner on file is one no longer"), required=False
            )
        if brings in (Brings.ENDS_SPOUSE, Brings.ENDS_SOMEBODY):
            self.fields["ends"] = forms.ChoiceField(
                label=_("Who is no longer a dependent"),
                choices=[(str(one.number), one.name) for one in leaving],
                error_messages={"required": _("Choose who.")},
            )

    def clean_on(self) -> date:
        """What is reported has happened."""
        return _past(self.cleaned_data["on"], self.today)

    def clean_birth_on(self) -> date:
        """Nobody is born in the days to come."""
        return _past(self.cleaned_data["birth_on"], self.today)

    def newcomer(self) -> Person | None:
        """Who comes with it."""
        told = self.cleaned_data
        if self.kind.brings not in (Brings.CHILD, Brings.SPOUSE):
            return None
        kind = PersonType.CHILD if self.kind.brings is Brings.CHILD else PersonType.SPOUSE
        return Person(
            first_name=told["first_name"].strip(),
            last_name=told["last_name"].strip(),
            person_type=str(kind),
            birth_on=told.get("birth_on") or told["on"],
            sex=told["sex"] or None,
        )


def _day_label(kind: LifeKind) -> str:
    return {
        "BIR": _("Date of birth"),
        "MAR": _("Date of the marriage"),
        "DIV": _("Date of the divorce"),
    }.get(kind.code, _("The day it happened"))


class PaperForm(Tied):
    """A paper to be sent."""

    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=list(DOCUMENT_KINDS.items()))
    about = forms.ChoiceField(label=gettext_lazy("What it is about"))
    file = forms.FileField(
        label=gettext_lazy("The file (PDF, JPEG or PNG, at most 10 MB)"),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png"}),
    )

    def __init__(self, about: Sequence[tuple[str, str]], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["about"].choices = list(about)  # type: ignore[attr-defined]


class AddressForm(Tied):
    """A new home address, from a day on."""

    line1 = forms.CharField(label=gettext_lazy("Street and number"), max_length=120)
    city = forms.CharField(label=gettext_lazy("City"), max_length=60)
    state = forms.RegexField(
        "^[A-Za-z]{2}$",
        label=gettext_lazy("State (two letters)"),
        error_messages={"invalid": gettext_lazy("Expected two letters, such as MA.")},
    )
    postal_code = forms.RegexField(
        r"^[0-9]{5}(-[0-9]{4})?$",
        label=gettext_lazy("Zip code"),
        error_messages={"invalid": gettext_lazy("Expected five digits, such as 02134.")},
    )
    since = _day(gettext_lazy("Since when"))

    def __init__(self, data: Any = None, *, today: date, **more: Any) -> None:
        self.today = today
        super().__init__(data, **more)

    def clean_since(self) -> date:
        """One has moved already."""
        return _past(self.cleaned_data["since"], self.today)
