"""Fields of the portal's forms: read without ever being a float, with errors at the field."""

from decimal import Decimal
from typing import Any

from django import forms

MOST_DOLLARS = Decimal(10_000_000)


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


def day_field(label: Any, **more: Any) -> forms.DateField:
    """A day, picked by the browser's own calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


def dollars_field(label: Any) -> forms.DecimalField:
    """An amount, to the cent."""
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_value=MOST_DOLLARS,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def percent_field(label: Any) -> forms.DecimalField:
    """A percentage, to the hundredth."""
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_value=100,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def scaled(value: Decimal | None, decimals: int) -> int | None:
    """Write what was typed as a whole number of its smallest unit; None stays None."""
    return None if value is None else int(value.scaleb(decimals).to_integral_exact())


def plain_percent(hundredths: int) -> str:
    """Write hundredths of a percent as somebody types them: 62.5, 100."""
    return f"{Decimal(hundredths).scaleb(-2).normalize():f}"
