"""The form of a rate group: rates by tier, or a line for each band."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from openbenefits.core.codes import RateUnit
from openbenefits.core.faults import message_of
from openbenefits.renewals.codes import TIER_NAMES, Band, Tier
from openbenefits.renewals.plans import Rate, area_numbers
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.workbench.renewals.parts import PercentField, micros_of

BANDS = {
    Band.AGE: _("age"),
    Band.SERVICE: _("years of service"),
    Band.PAY: _("dollars of pay a year"),
    Band.SMOKER: _("smoking"),
    Band.AREA: _("rating area"),
}
UNITS = {
    RateUnit.FLAT: _("the whole price"),
    RateUnit.PER_HUNDRED: _("100 dollars of coverage"),
    RateUnit.PER_THOUSAND: _("1,000 dollars of coverage"),
}
_AMOUNT = r"(\d{1,7}(?:\.\d{1,6})?)"
BANDED = re.compile(
    rf"^(E[ESCKF])\s*[,;]\s*([A-Za-z0-9_.-]{{1,40}})\s*[,;]\s*{_AMOUNT}(?:\s*[,;]\s*{_AMOUNT})?$"
)


def _lines_of(text: str) -> list[tuple[int, str]]:
    rows = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    return [(number, line) for number, line in rows if line]


def _banded(number: int, line: str, areas: Mapping[str, int] | None) -> Rate:
    """Read a line of a band: of an area its code, else the lower edge.

    Errors: ValidationError, naming the line.
    """
    found = BANDED.match(line)
    begins = None if found is None else _begins(found.group(2), areas)
    if found is None or begins is None:
        raise forms.ValidationError(
            _("Line %(number)s: expected tier, from, billed, true cost (EE, 40, 512.30, 480); correct it.")
            % {"number": number}
        )
    tier, _said, premium, cost = found.groups()
    return Rate(
        tier=Tier(tier),
        band_from=begins,
        premium_micros=micros_of(Decimal(premium)) or 0,
        cost_micros=micros_of(None if cost is None else Decimal(cost)),
    )


def _begins(said: str, areas: Mapping[str, int] | None) -> int | None:
    if areas is not None:
        return areas.get(said)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 8 else None


class RatesForm(forms.Form):
    """A rate group: what is billed and what it costs, by tier; of one with bands a line for each."""

    title = forms.CharField(label=_("Rate group"), max_length=40, help_text=_("A to E, or a percent."))
    factor = PercentField(
        _("Its risk factor, %"),
        required=False,
        min_value=1,
        help_text=_("Filled: rates by percentage, locked."),
    )
    source = forms.CharField(label=_("Source"), max_length=300)
    unit = forms.ChoiceField(
        label=_("A rate is for"),
        choices=list(UNITS.items()),
        required=False,
        help_text=_("Life and disability: rates of the employee alone."),
    )
    band = forms.ChoiceField(label=_("Bands are of"), choices=list(BANDS.items()), required=False)
    geography = forms.CharField(
        label=_("Geography of the areas"),
        max_length=40,
        required=False,
        help_text=_("Of rating areas: the code of the PEO's geography."),
    )
    banded = forms.CharField(
        label=_("Rates by band"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "A line each: tier, from, billed, true cost; as EE, 40, 512.30, 480. Stated here, the rates below"
            " stay empty. Of smokers: 0 who does not smoke, 1 who does. Of rating areas: the area's code."
        ),
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for tier, name in TIER_NAMES.items():
            for what, words in (("premium", _("billed")), ("cost", _("true cost"))):
                self.fields[f"{what}_{tier}"] = forms.DecimalField(
                    label=f"{name}: {words}", min_value=0, max_digits=12, decimal_places=6, required=False
                )

    def clean(self) -> dict[str, Any]:
        """Want a premium of at least one tier, and none without it; else lines of bands that can be read."""
        said: dict[str, Any] = super().clean() or {}
        if said.get("banded"):
            numbers = self._areas(said)
            said["banded"] = [_banded(number, line, numbers) for number, line in _lines_of(said["banded"])]
            held = {one.band_from for one in said["banded"]}
            said["areas"] = {at: area for area, at in (numbers or {}).items() if at in held}
        elif not any(said.get(f"premium_{tier}") is not None for tier in Tier):
            raise forms.ValidationError(
                _("Expected what is billed for a tier, found none. State at least one.")
            )
        return said

    @staticmethod
    def _areas(said: dict[str, Any]) -> dict[str, int] | None:
        """Answer the numbers of the areas there are; None where bands are none.

        Errors: ValidationError.
        """
        if said.get("band") != Band.AREA:
            return None
        try:
            return area_numbers(said.get("geography", "").strip())
        except RenewalRefused as refused:
            raise forms.ValidationError(message_of(refused)) from None

    def rates(self) -> list[Rate]:
        """Answer the rates as typed."""
        said = self.cleaned_data
        if said["banded"]:
            return list(said["banded"])
        return [
            Rate(
                tier=tier,
                premium_micros=micros_of(said[f"premium_{tier}"]) or 0,
                cost_micros=micros_of(said[f"cost_{tier}"]),
            )
            for tier in Tier
            if said[f"premium_{tier}"] is not None
        ]
