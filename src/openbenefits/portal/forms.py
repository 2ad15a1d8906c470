"""The portal's forms about people: somebody added or corrected, a life event, a paper, an address."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.choosing.household import Person
from openbenefits.choosing.lives import Brings, LifeKind
from openbenefits.core.codes import PersonType
from openbenefits.portal.fields import Tied, day_field
from openbenefits.portal.words import DOCUMENT_KINDS, RELATIONSHIPS

SEXES = (
    ("", "–"),
    ("F", gettext_lazy("female")),
    ("M", gettext_lazy("male")),
    ("X", gettext_lazy("another")),
)
COVERED = (PersonType.SPOUSE, PersonType.SAME_SEX_SPOUSE, PersonType.DOMESTIC_PARTNER, PersonType.CHILD,
           PersonType.ADULT_CHILD, PersonType.OTHER_QUALIFIED, PersonType.BENEFICIARY)  # fmt: skip


class PersonForm(Tied):
    """A dependent, or somebody who may receive."""

    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=60)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=60)
    birth_on = day_field(gettext_lazy("Date of birth"))
    sex = forms.ChoiceField(label=gettext_lazy("Sex"), choices=SEXES, required=False)

    def __init__(self, data: Any = None, *, today: date, is_new: bool = True, **more: Any) -> None:
        self.today = today
        super().__init__(data, **more)
        if is_new:
            kinds = [(str(kind), RELATIONSHIPS[str(kind)]) for kind in COVERED]
            self.fields["person_type"] = forms.ChoiceField(label=_("What they are to you"), choices=kinds)
            self.fields["since"] = day_field(_("Since when"), initial=today)
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
        self.fields["on"] = day_field(_day_label(kind))
        if brings is Brings.SPOUSE or kind.code == "ADO":
            self.fields["birth_on"] = day_field(_("Date of birth"))
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
    since = day_field(gettext_lazy("Since when"))

    def __init__(self, data: Any = None, *, today: date, **more: Any) -> None:
        self.today = today
        super().__init__(data, **more)

    def clean_since(self) -> date:
        """One has moved already."""
        return _past(self.cleaned_data["since"], self.today)
