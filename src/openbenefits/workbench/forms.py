"""Forms of the workbench: Django's, with what is wrong beside each field."""

from django import forms


class DayInput(forms.DateInput):
    """A day, picked by the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ReasonForm(forms.Form):
    """Why somebody does something; kept with it."""

    reason = forms.CharField(max_length=500, help_text="Kept with what you do; no personal data.")
