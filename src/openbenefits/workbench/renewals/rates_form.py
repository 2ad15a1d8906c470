"""The form of a rate group: rates by tier, or a line for each band."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.renewals.codes import TIER_NAMES, Band, Tier, bands_of
from openbenefits.renewals.plans import Rate
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
    RateUnit.PERCENT_OF_BASE: _("pay, in percent"),
}
ADDRESSES = {
    AreaOf.HOME: _("the home"),
    AreaOf.COMPANY: _("the company"),
    AreaOf.LOCATION: _("the place of work"),
}
_AMOUNT = r"\d{1,7}(?:\.\d{1,6})?"
_EDGE = {Band.AREA: r"[A-Za-z0-9_.-]{1,40}"}
_WHOLE = r"\d{1,7}"


def _lines_of(text: str) -> list[tuple[int, str]]:
    rows = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    return [(number, line) for number, line in rows if line]


def _banded(number: int, line: str, kinds: Sequence[Band]) -> Rate:
    """Read a line of a rate with bands: of each kind its lower edge, of a rating area its code.

    Errors: ValidationError, naming the line.
    """
    edges = [rf"({_EDGE.get(kind, _WHOLE)})" for kind in kinds]
    parts = [r"(E[ESCKF])", *edges, rf"({_AMOUNT})"]
    found = re.fullmatch(r"\s*[,;]\s*".join(parts) + rf"(?:\s*[,;]\s*({_AMOUNT}))?", line, re.ASCII)
    if found is None:
        raise forms.ValidationError(
            _(
                "Line %(number)s: expected tier, %(kinds)s, billed, true cost (EE, 40, 512.30, 480);"
                " correct it."
            )
            % {"number": number, "kinds": ", ".join(str(BANDS[kind]) for kind in kinds)}
        )
    tier, *said, premium, cost = found.groups()
    edges_said = zip(kinds, said, strict=True)
    return Rate(
        tier=Tier(tier),
        bands=bands_of({kind: edge if kind is Band.AREA else int(edge) for kind, edge in edges_said}),
        premium_micros=micros_of(Decimal(premium)) or 0,
        cost_micros=micros_of(None if cost is None else Decimal(cost)),
    )


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
    kinds = forms.MultipleChoiceField(
        label=_("Bands are of"),
        choices=list(BANDS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Of several kinds together: one rate for each band of one with each of the others."),
    )
    geography = forms.CharField(
        label=_("Geography of the areas"),
        max_length=40,
        required=False,
        help_text=_("Of rating areas: the code of the PEO's geography."),
    )
    area_of = forms.ChoiceField(
        label=_("The area is that of"), choices=list(ADDRESSES.items()), required=False
    )
    banded = forms.CharField(
        label=_("Rates by band"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "A line each: tier, from of each kind in the order above, billed, true cost; as EE, 40, 512.30,"
            " 480, or by age and smoking EE, 40, 1, 612.30, 580. Stated here, the rates below stay empty. Of"
            " smokers: 0 who does not smoke, 1 who does. Of rating areas: the area's code."
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
        kinds = [kind for kind in Band if str(kind) in said.get("kinds", ())]
        if bool(said.get("banded")) != bool(kinds):
            raise forms.ValidationError(
                _("Expected kinds of bands and rates by band, found one alone. State both, or neither.")
            )
        if kinds:
            said["banded"] = [_banded(number, line, kinds) for number, line in _lines_of(said["banded"])]
        elif not any(said.get(f"premium_{tier}") is not None for tier in Tier):
            raise forms.ValidationError(
                _("Expected what is billed for a tier, found none. State at least one.")
            )
        return said

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
