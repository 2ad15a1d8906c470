"""What the pages about people ask for."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from openbenefits.core.codes import PROCESS_STATUS_NAMES, Control
from openbenefits.workbench.forms import DayInput, ReasonForm

Choices = Sequence[tuple[str, str]]
HUNDRED = 100


def day_field(**told: Any) -> forms.DateField:
    """A day, as a browser asks for it."""
    return forms.DateField(
        widget=DayInput,
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2199, 12, 31))],
        error_messages={"invalid": _("Expected a day like 2026-03-31. Correct it.")},
        **told,
    )


def dollars_field(**told: Any) -> forms.DecimalField:
    """Dollars of a year with at most two decimals."""
    return forms.DecimalField(
        min_value=0,
        max_digits=10,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        **told,
    )


def cents(dollars: Decimal | None) -> int | None:
    """Answer whole cents.

    >>> cents(Decimal("12.5")), cents(None)
    (1250, None)
    """
    return None if dollars is None else int(dollars * HUNDRED)


class SearchForm(forms.Form):
    """Whom to look for."""

    text = forms.CharField(
        label=_("Name or employee number"),
        required=False,
        max_length=80,
        help_text=_("The beginning is enough: last name, both names, or number."),
    )
    program = forms.ChoiceField(label=_("Program"), required=False)
    status = forms.ChoiceField(
        label=_("Process status"),
        required=False,
        choices=[("", _("any")), *((code, f"{code} {name}") for code, name in PROCESS_STATUS_NAMES.items())],
    )
    messages = forms.BooleanField(label=_("With messages only"), required=False)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: Choices = (), **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["program"].choices = [("", _("any")), *programs]  # type: ignore[attr-defined]


class DemandForm(forms.Form):
    """A process on demand; open findings of an audit may be accepted, each with a reason."""

    accept = forms.CharField(
        label=_("Findings of the audit that may stand"),
        required=False,
        help_text=_("Codes, separated by blanks; only where the audit holds the run."),
    )
    reason = forms.CharField(label=_("Why they may stand"), required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        codes, why = found.get("accept", "").split(), found.get("reason", "").strip()
        if bool(codes) != bool(why):
            self.add_error(
                "reason" if codes else "accept", _("Expected codes together with a reason, found one alone.")
            )
        return found | {"accepted": dict.fromkeys(codes, why)}


class OperationForm(ReasonForm):
    """An operation on an event, with what its kind asks for."""

    def __init__(self, *args: Any, kind: str, **told: Any) -> None:
        super().__init__(*args, **told)
        if kind == "redate":
            self.fields["to_on"] = day_field(label=_("New day of the event"))
        if kind == "move":
            self.fields["to_record"] = forms.IntegerField(
                label=_("New benefit record"), min_value=0, max_value=999
            )
        self.order_fields(["to_on", "to_record"])


class OverrideForm(ReasonForm):
    """Eligibility decided by a person."""

    program = forms.ChoiceField(label=_("Program"))
    option = forms.ChoiceField(
        label=_("Option"),
        required=False,
        help_text=_("Leave it at the program as a whole, or pick one option."),
    )
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("eligible", _("is eligible, whatever the rules say")),
            ("ineligible", _("is not eligible, whatever the rules say")),
            ("withdrawn", _("let the rules decide again")),
            ("undo", _("undo the last decision about this")),
        ],
    )
    expires_on = forms.DateField(
        label=_("Counts through"),
        widget=DayInput(),
        required=False,
        help_text=_("Its last day; then the rules decide again. Blank: until it is withdrawn."),
    )
    field_order = ("program", "option", "decision", "expires_on", "reason")

    def __init__(self, *args: Any, programs: Choices, options: Choices, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["program"].choices = programs  # type: ignore[attr-defined]
        self.fields["option"].choices = [("", _("the whole program")), *options]  # type: ignore[attr-defined]


class PriceForm(ReasonForm):
    """A price decided by a person, for some days."""

    plan_type = forms.ChoiceField(label=_("Plan type"))
    option = forms.ChoiceField(label=_("Option"), required=False)
    begins_on = day_field(label=_("From"))
    ends_on = day_field(
        label=_("Through"), required=False, help_text=_("The last day; blank while no end is known.")
    )
    total = dollars_field(label=_("Total of a year, in dollars"))
    employer = dollars_field(label=_("Employer's part of a year"))
    employee = dollars_field(label=_("Employee's part of a year"))
    undo = forms.BooleanField(label=_("Undo the last decision about this plan type instead"), required=False)
    benefit_record = forms.IntegerField(label=_("Benefit record"), min_value=0, max_value=999, initial=0)
    field_order = (
        *("plan_type", "option", "begins_on", "ends_on", "total", "employer", "employee"),
        *("benefit_record", "undo", "reason"),
    )

    def __init__(self, *args: Any, plan_types: Choices, options: Choices, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["plan_type"].choices = plan_types  # type: ignore[attr-defined]
        self.fields["option"].choices = [("", _("every option of it")), *options]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        amounts = [found.get(name) for name in ("total", "employer", "employee")]
        if not found.get("undo") and all(one is None for one in amounts):
            self.add_error("total", _("Expected at least one amount, found none. State one."))
        return found


class TakenOverForm(ReasonForm):
    """An operation on coverage that was taken over."""

    coverage = forms.ChoiceField(label=_("Coverage taken over"))
    do = forms.ChoiceField(
        label=_("What to do"),
        choices=[
            ("redate", _("move it to another day")),
            ("end", _("end it")),
            ("void", _("void it, as if it had never been")),
            ("undo", _("undo the last operation on it")),
        ],
    )
    to_on = day_field(label=_("New day, or first day without it"), required=False)
    field_order = ("coverage", "do", "to_on", "reason")

    def __init__(self, *args: Any, coverage: Choices, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["coverage"].choices = coverage  # type: ignore[attr-defined]


class MergeForm(ReasonForm):
    """Two numbers that are one human."""

    survivor = forms.CharField(
        label=_("The number that stays"), help_text=_("Everything of this page's number follows it.")
    )
    do = forms.ChoiceField(
        label=_("What to do"), choices=[("merge", _("merge")), ("unmerge", _("take apart again"))]
    )
    field_order = ("do", "survivor", "reason")


class TransferForm(ReasonForm):
    """Somebody goes on at another client."""

    to_client = forms.ChoiceField(label=_("Other client"))
    employee_number = forms.CharField(label=_("Number there"))
    begins_on = day_field(label=_("First day there"))
    company = forms.CharField(label=_("Company there"))
    benefit_group = forms.CharField(label=_("Benefit group there"))
    pay_group = forms.CharField(label=_("Pay group there"))
    coming_reason = forms.CharField(label=_("Reason of the job row there"), required=False)
    keeps_service = forms.BooleanField(label=_("Service counts on from here"), required=False)
    field_order = (
        *("to_client", "employee_number", "begins_on", "company", "benefit_group", "pay_group"),
        *("coming_reason", "keeps_service", "reason"),
    )

    def __init__(self, *args: Any, clients: Choices, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["to_client"].choices = clients  # type: ignore[attr-defined]


class LifeEventForm(ReasonForm):
    """A life event entered by an administrator."""

    event_class = forms.ChoiceField(label=_("What happened"))
    on = day_field(label=_("On"))
    benefit_record = forms.IntegerField(label=_("Benefit record"), min_value=0, max_value=999, initial=0)
    field_order = ("event_class", "on", "benefit_record", "reason")

    def __init__(self, *args: Any, classes: Choices, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["event_class"].choices = classes  # type: ignore[attr-defined]


class ControlForm(ReasonForm):
    """A processing control of an event, changed."""

    control = forms.ChoiceField(label=_("Control"), choices=[(str(one), str(one)) for one in Control])
    value = forms.CharField(
        label=_("New value"),
        help_text=_(
            "yes or no; a day like 2026-03-31 or none; of letters both, enrollment, confirmation, none."
        ),
    )
    field_order = ("control", "value", "reason")


class WindowForm(ReasonForm):
    """The window of an event, to end later."""

    until = day_field(label=_("New last day"))
    field_order = ("until", "reason")


class FileForm(forms.Form):
    """A file to be tried out first."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, at most 10 MB; the first row holds the headings."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )


class AsOfForm(forms.Form):
    """As of one day, as known on another."""

    as_of = day_field(label=_("As of"), required=False)
    known_on = day_field(label=_("As known on"), required=False, help_text=_("Blank: as known now."))


class PaysForm(forms.Form):
    """Two pays to compare."""

    pay = forms.ChoiceField(label=_("Pay that ends on"))
    before = forms.ChoiceField(label=_("Compared with"), required=False)

    def __init__(self, *args: Any, ends: Sequence[date], **told: Any) -> None:
        super().__init__(*args, **told)
        days = [(day.isoformat(), day.isoformat()) for day in ends]
        self.fields["pay"].choices = days  # type: ignore[attr-defined]
        self.fields["before"].choices = [("", _("the pay before")), *days]  # type: ignore[attr-defined]
