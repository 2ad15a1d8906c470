"""The desk of pay calendars: a year as a picture, extended, checks off holidays, what takes deductions."""

import calendar as months
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.records import Plain
from openbenefits.programs.drafts.services import DraftRefused, drafts_of
from openbenefits.programs.models import Draft
from openbenefits.programs.pay_calendars import Calendar, calendar_year, calendars_ending
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, client_of, page, show
from openbenefits.workbench.set_up.editor import draft_of, hand_of
from openbenefits.workbench.set_up.holders import Holder

WEEKDAYS = (
    *(gettext_lazy("Mo"), gettext_lazy("Tu"), gettext_lazy("We"), gettext_lazy("Th"), gettext_lazy("Fr")),
    *(gettext_lazy("Sa"), gettext_lazy("Su")),
)
FEW = 6
"""Codes named one by one in a cell."""


class ExtendForm(forms.Form):
    """Until when a calendar shall run, and how its checks are moved."""

    through = forms.DateField(label=gettext_lazy("Calendar through"), widget=DayInput())
    holidays = forms.ChoiceField(label=gettext_lazy("Calendar of holidays"), required=False)
    holiday_rule = forms.ChoiceField(
        label=gettext_lazy("A check on a holiday or weekend is paid"),
        choices=[
            ("before", gettext_lazy("on the bank day before")),
            ("after", gettext_lazy("on the bank day after")),
            ("none", gettext_lazy("on that day, all the same")),
        ],
    )
    check_lag_days = forms.IntegerField(
        label=gettext_lazy("Check, days after the period ends"), min_value=-31, max_value=60
    )

    def __init__(self, holder: Holder, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["holidays"].choices = [("", "–"), *_holidays(holder)]  # type: ignore[attr-defined]


class OffCycleForm(forms.Form):
    """A check beside the calendar."""

    check_on = forms.DateField(label=gettext_lazy("Check on"), widget=DayInput())
    why = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=100,
        help_text=gettext_lazy("A bonus, a correction; no personal data. It takes no benefit deductions."),
    )


def _holidays(holder: Holder) -> list[tuple[str, str]]:
    holders = [one for one in (holder.loaded, holder.peo) if one is not None]
    found = {one.code: one.name for bundle in reversed(holders) for one in bundle.parts.holiday_calendars}
    return list(found.items())


@page(
    "<client:client>/pay-calendars/",
    name="pay_calendars",
    title=gettext_lazy("Pay calendars"),
    section=Section.DESKS,
)
def pay_calendars(request: Any, client: str) -> HttpResponse:
    """Show the year of a pay group: when it is paid, what was moved, which pays take deductions."""
    holder = Holder(client_of(request, client))
    today = clock.today()
    parts = holder.loaded.parts if holder.loaded else None
    groups = parts.pay_groups if isinstance(parts, ClientBundle) else []
    code = request.GET.get("group") or next((one.code for one in groups if one.active), "")
    text = request.GET.get("year", "")
    year = int(text) if text.isdecimal() and 1900 < int(text) < 2200 else today.year
    found = calendar_year(holder.loaded, holder.peo, code, year) if holder.loaded and code else None
    if found is None and groups:
        raise Http404
    may_change = request.access.may(Permission.SETUP, holder.client_id)
    return show(
        request,
        "workbench/set_up/calendars.html",
        title=_("Pay calendars"),
        client=holder.client,
        holder=holder,
        groups=groups,
        found=found,
        code=code,
        year=year,
        weekdays=WEEKDAYS,
        months=list(_months(found)) if found else [],
        pays=_pays(found) if found else [],
        taken=_taken(found) if found else [],
        ending=calendars_ending(holder.loaded, today) if holder.loaded else [],
        extend=_extend_form(holder, found) if found and may_change else None,
        off_cycle=OffCycleForm() if may_change else None,
        drafts=drafts_of(holder.client_id) if may_change else [],
        may_change=may_change,
        codes_address=holder.address("setup_section", section="deduction_codes"),
        holidays_address=holder.address("setup_section", section="holiday_calendars"),
    )


def _extend_form(holder: Holder, found: Calendar) -> ExtendForm:
    group = found.group
    given = {
        "through": date(group.calendar_through.year + 1, 12, 31),
        "holidays": group.holidays or "",
        "holiday_rule": group.holiday_rule,
        "check_lag_days": group.check_lag_days,
    }
    return ExtendForm(holder, initial=given)


def _months(found: Calendar) -> Iterator[dict[str, Any]]:
    """The twelve months as weeks of days, each with what happens on it."""
    checks = set(found.pays["check_on"].to_list())
    moved = {row["due_on"] for row in found.pays.iter_rows(named=True) if row["due_on"] != row["check_on"]}
    ends = set(found.pays["ends_on"].to_list())
    extra = {one.check_on: one.reason for one in found.off_cycle}
    for month in range(1, 13):
        weeks = [
            [_day(day, month, checks, moved, ends, extra, found) for day in week]
            for week in months.Calendar().monthdatescalendar(found.year, month)
        ]
        yield {"name": f"{months.month_name[month]} {found.year}", "weeks": weeks}


def _day(
    day: date,
    month: int,
    checks: set[date],
    moved: set[date],
    ends: set[date],
    extra: dict[date, str],
    found: Calendar,
) -> dict[str, str]:
    if day.month != month:
        return {"number": "", "class": "", "says": ""}
    says = [
        (day in checks, "pay", _("check")),
        (day in extra, "off", _("off-cycle: %(why)s") % {"why": extra.get(day, "")}),
        (day in found.holidays, "holiday", found.holidays.get(day, "")),
        (day in moved, "", _("check moved from here")),
        (day in ends, "ends", _("period ends")),
    ]
    told = [(style, text) for is_so, style, text in says if is_so]
    return {
        "number": str(day.day),
        "class": " ".join(style for style, _text in told if style),
        "says": ", ".join(text for _style, text in told),
    }


def _pays(found: Calendar) -> list[dict[str, Any]]:
    return [
        row
        | {
            "moved": row["due_on"] if row["due_on"] != row["check_on"] else None,
            "codes": _codes(found, row["ends_on"]),
        }
        for row in found.pays.iter_rows(named=True)
    ]


def _codes(found: Calendar, ends_on: date) -> str:
    taken = found.taken_in.get(ends_on, ())
    if len(taken) == len(found.taken) and taken:
        return _("all")
    return ", ".join(taken[:FEW]) + (" …" if len(taken) > FEW else "") if taken else _("none")


def _taken(found: Calendar) -> list[tuple[str, str]]:
    """Which of the year's pays take each deduction code; codes alike together."""
    alike: dict[str, list[str]] = {}
    for code, counted in found.taken.items():
        says = _("not known: the calendar does not hold the whole year")
        if counted:
            says = _("%(taken)s of %(pays)s pays") % {"taken": counted[0], "pays": counted[1]}
        alike.setdefault(says, []).append(code)
    return [(", ".join(codes), says) for says, codes in alike.items()]


@page(
    "<client:client>/pay-calendars/change",
    name="change_calendar",
    title=gettext_lazy("Change a calendar"),
    permission=Permission.SETUP,
)
@require_POST
def change_calendar(request: Any, client: str) -> HttpResponse:
    """Put a longer calendar, or an off-cycle check, into a draft."""
    holder = Holder(client_of(request, client))
    code = request.POST.get("group", "")
    chosen = request.POST.get("draft", "")
    to = f"{holder.address('pay_calendars')}?group={code}"
    drafts: list[Draft] = []

    def do() -> None:
        name = _("Pay calendar %(code)s") % {"code": code}
        hand = hand_of(request)
        draft = (
            draft_of(holder, int(chosen))
            if chosen.isdecimal()
            else services.begin(holder.client_id, holder.bundle_code, name=name, by=hand)
        )
        record = services.opened(draft).record("pay_groups", (code,))
        if record is None:
            raise DraftRefused(f"expected a pay group, found none of the code {code}; choose one")
        services.put(draft, "pay_groups", (code,), _changed(request, holder, record), by=hand)
        note(request.access, "did", "change a pay calendar", client_id=holder.client_id, now=clock.now())
        drafts.append(draft)

    answer = act(request, do, said=_("Kept in the draft. Nothing is in force yet."), to=to)
    return redirect(holder.address("setup_draft", number=drafts[0].pk)) if drafts else answer


def _changed(request: Any, holder: Holder, record: Plain) -> Plain:
    """Read what a form changes of a pay group.

    Errors: DraftRefused.
    """
    is_extra = "check_on" in request.POST
    form: forms.Form = OffCycleForm(request.POST) if is_extra else ExtendForm(holder, request.POST)
    if not form.is_valid():
        raise DraftRefused(
            "; ".join(f"{form[name].label}: {faults[0]}" for name, faults in form.errors.items())
        )
    given = form.cleaned_data
    if is_extra:
        check = {"check_on": given["check_on"].isoformat(), "reason": given["why"]}
        checks = [*record.get("off_cycle", []), check]
        return {**record, "off_cycle": sorted(checks, key=lambda one: one["check_on"])}
    return {
        **record,
        "calendar_through": given["through"].isoformat(),
        "holidays": given["holidays"] or None,
        "holiday_rule": given["holiday_rule"],
        "check_lag_days": given["check_lag_days"],
    }
