"""Forms of the entrance that differ from allauth's: a code goes to an address or to a mobile number."""

from typing import Any

from allauth.account.fields import PhoneField
from allauth.account.forms import RequestLoginCodeForm
from django import forms
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.texting import number_of


class MobileField(PhoneField):
    """A mobile number as people write it."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        """Say what is meant; one without a country is of the United States."""
        named.setdefault("label", _("Mobile number"))
        super().__init__(*parts, **named)
        self.widget.attrs.pop("placeholder", None)

    def to_python(self, value: Any) -> Any:
        """Write it as the world does, before it is checked."""
        said = super().to_python(value)
        return number_of(said) if said else said


class CodeForm(RequestLoginCodeForm):
    """Where a sign-in code is to go: exactly one of an address and a number."""

    _user = None

    def __init__(self, *parts: Any, **named: Any) -> None:
        """Let labels stand beside the fields, not in them."""
        super().__init__(*parts, **named)
        self.fields["email"].widget.attrs.pop("placeholder", None)

    def clean(self) -> Any:
        """Refuse a form that says neither."""
        told = super().clean()
        if not self.errors and not any((told or self.cleaned_data).get(name) for name in ("email", "phone")):
            raise forms.ValidationError(_("Say where the code is to go."))
        return told


class TypedCodeForm(forms.Form):
    """A code that came on a letter."""

    code = forms.CharField(
        label=_("Code of your letter"),
        max_length=60,
        help_text=_("With or without the lines between its parts."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
    )
