"""One person's story on one page."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.timezone import make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.masks import shown_birth_date, shown_ssn
from openbenefits.accounts.models import AuditEntry
from openbenefits.accounts.roles import Permission
from openbenefits.core.money import dollars
from openbenefits.delivery.services import documents_of
from openbenefits.enrollment import documents
from openbenefits.payroll.ledger import OrderRefused
from openbenefits.payroll.why import why
from openbenefits.reports.explain_words import PERSON_WORDS
from openbenefits.reports.hindsight import held_on
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.prices_decided import decided_prices
from openbenefits.reports.repairs import named_acts
from openbenefits.review import person as story
from openbenefits.workbench import links
from openbenefits.workbench.casework.counted import tickets_of
from openbenefits.workbench.charts import Tone
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.person.about import event_href, noted, person_href, somebody
from openbenefits.workbench.person.forms import AsOfForm, PaysForm
from openbenefits.workbench.person.tables import Table, table_of
from openbenefits.workbench.spans import Days, Row, Span, days
from openbenefits.workforce.models import Person
from openbenefits.workforce.unmasking import UnmaskRefused, last_four, unmask_ssn

YEAR = timedelta(days=365)
LAST_SEEN = 20
HELD = ("plan", "option", "kind", "begins_on", "rests_on", "dependents")


@page("<client:client>/people/<number:number>/", name="person", title=gettext_lazy("Participant"))
def participant(request: Any, client: str, number: str) -> HttpResponse:
    """Show who somebody is, what happened, what they have and pay, what stands in the way, who did what."""
    found = client_of(request, client)
    person = somebody(found, number)
    today = clock.today()
    as_of = AsOfForm(request.GET or None, auto_id="as_of_%s")
    told = _facts(request, person, today) | _events(person, found.code, today)
    told |= _coverage(person, as_of, today) | _pays(request, person, today) | _acts(request, person)
    told |= _documents(request, person, found.code) | tickets_of(request, person, found.code)
    noted(request, "saw", "participant", person)
    name = " ".join(told["facts"].person.get(part) or "" for part in ("first_name", "last_name")).strip()
    return show(
        request,
        "workbench/person/participant.html",
        title=f"{name or _('Participant')} · {person.employee_number}",
        client=found,
        crumbs=[(_("People"), address("people", client=found.code))],
        number=person.employee_number,
        as_of_form=as_of,
        may=_may(request, person),
        **told,
    )


def _may(request: Any, person: Person) -> dict[str, bool]:
    asked = {"repair": Permission.REPAIR, "elect": Permission.ELECT, "process": Permission.PROCESS}
    asked |= {"facts": Permission.FACTS, "audit": Permission.AUDIT, "payroll": Permission.PAYROLL}
    return {name: request.access.may(one, person.client_id) for name, one in asked.items()}


@page(
    "<client:client>/people/<number:number>/ssn/",
    name="ssn",
    title=gettext_lazy("Social security number"),
    permission=Permission.SEE_PERSONAL,
)
def social_security_number(request: Any, client: str, number: str) -> HttpResponse:
    """Show all of somebody's number, once, to who says why; it is written down."""
    found = client_of(request, client)
    person = somebody(found, number)
    form = ReasonForm(request.POST or None)
    shown = ""
    if request.method == "POST" and form.is_valid():
        why_asked, moment = form.cleaned_data["reason"], clock.now()
        try:
            shown = unmask_ssn(connection, request.access, found.pk, person.pk, reason=why_asked, now=moment)
        except UnmaskRefused as refused:
            form.add_error(None, str(refused))
    return show(
        request,
        "workbench/person/plain.html",
        title=_("Social security number of %(number)s") % {"number": number},
        client=found,
        crumbs=[(number, person_href(found.code, number))],
        form=form,
        meaning=f"{_('The number is')} {shown}." if shown else _("Say what the number is needed for."),
        button=_("Show it"),
    )


# --- facts --------------------------------------------------------------------------------------------------


def _facts(request: Any, person: Person, today: date) -> dict[str, Any]:
    """Facts; SSN, birth date and address in full only for who may see them."""
    is_open = request.access.may(Permission.SEE_PERSONAL, person.client_id)
    sees_health = request.access.may(Permission.SEE_HEALTH, person.client_id)
    facts = story.facts_of(connection, person.client_id, person.pk, as_of=today)
    ssn = last_four(connection, person.client_id, person.pk)

    def born(day: date | None) -> str:
        return shown_birth_date(request.access, person.client_id, day)

    dependents = [
        row
        | {"born": born(row["birth_on"]), "is_disabled": sees_health and row["is_disabled"]}
        | {"kind": PERSON_WORDS.get(row["person_type"], row["person_type"])}
        for row in facts.dependents.iter_rows(named=True)
    ]
    return {
        "facts": facts,
        "is_open": is_open,
        "ssn": shown_ssn(ssn),
        "born": born(facts.person.get("birth_on")),
        "job": _words(facts.jobs.row(0, named=True)) if facts.jobs.height else {},
        "pay": dollars(facts.jobs["annual_pay_cents"][0]) if facts.jobs.height else "",
        "jobs": table_of(_jobs(facts.jobs), _("Job rows, the last first")),
        "dependents": dependents,
    }


STATUSES = {
    "A": gettext_lazy("active"),
    "L": gettext_lazy("on leave"),
    "P": gettext_lazy("on paid leave"),
    "T": gettext_lazy("terminated"),
    "R": gettext_lazy("retired"),
    "D": gettext_lazy("deceased"),
}


def _words(job: Mapping[str, Any]) -> dict[str, Any]:
    status = job["job_status"]
    return {**job, "job_status": f"{STATUSES[status]} ({status})" if status in STATUSES else status}


def _jobs(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        from_day="valid_from",
        action="action",
        reason="reason",
        status="job_status",
        record="benefit_record",
        company="company",
        benefit_group="benefit_group",
        pay_group="pay_group",
        location="location",
        weekly_hours=pl.col("weekly_hours_hundredths") / 100,
    )


# --- events -------------------------------------------------------------------------------------------------

TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("FE", "FP", "FA"), "good"),
    **dict.fromkeys(("AE", "PE", "EE"), "bad"),
    **dict.fromkeys(("PR", "NT", "ET", "RE", "AS", "AN"), "waiting"),
}


def tone_of(status: str | None, event_status: str | None = None) -> Tone:
    """Answer the colour of where an event stands."""
    return "plain" if event_status in ("V", "D") else TONES.get(status or "", "plain")


def _events(person: Person, client: str, today: date) -> dict[str, Any]:
    told = story.events_of_person(connection, person.client_id, person.pk, as_of=today)
    keys = ["schedule_id", "benefit_record", "event_number"]
    history = told.history.partition_by(keys, as_dict=True)
    rows = []
    for row in told.events.iter_rows(named=True):
        steps = history.get(tuple(row[name] for name in keys))
        rows.append(
            row
            | {
                "href": event_href(client, row),
                "tone": tone_of(row["process_status"], row["event_status"]),
                "steps": list(steps.iter_rows(named=True)) if steps is not None else [],
            }
        )
    messages = [
        row
        | {
            "is_error": row["severity"] == "E",
            "href": event_href(client, row | {"employee_number": person.employee_number}),
        }
        for row in story.messages_of(connection, person.client_id, person.pk).iter_rows(named=True)
    ]
    return {"events": rows, "events_drawn": _drawn_events(rows, today), "told": messages}


def _drawn_events(rows: Sequence[Mapping[str, Any]], today: date) -> Days | None:
    if not rows:
        return None
    drawn = [
        Row(
            f"{row['event_class']} {row['event_name'] or ''}".strip(),
            [Span(_event_words(row), row["event_on"], row["event_on"], row["tone"])],
            row["href"],
        )
        for row in rows
    ]
    begin = min(min(row["event_on"] for row in rows), today) - timedelta(days=31)
    through = max(max(row["event_on"] for row in rows), today) + timedelta(days=92)
    return days(drawn, caption=_("What happened"), begin=begin, through=through, today=today)


def _event_words(row: Mapping[str, Any]) -> str:
    waits = f"; {_('waits for')} {row['held_by']}" if row["held_by"] else ""
    return f"{row['event_on']}: {row['status_name']}, {row['event_status_name']}{waits}"


# --- coverage -----------------------------------------------------------------------------------------------

BASES: Mapping[str, Tone] = {"eligible": "good", "run-out": "waiting", "leave": "waiting"}


def _coverage(person: Person, form: AsOfForm, today: date) -> dict[str, Any]:
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    on = asked.get("as_of") or today
    known_on = asked.get("known_on")
    known_at = make_aware(datetime.combine(known_on, time.max)) if known_on else None
    spans = story.spans_of(connection, person.client_id, person.pk, known_at=known_at)
    held = held_on(connection, person.client_id, [person.pk], as_of=on, known_at=known_at)
    known = f", {_('as known on')} {known_on}" if known_on else ""
    words = {"plan": _("Plan type"), "begins_on": _("Since"), "rests_on": _("Rests on"), "kind": _("How")}
    caption = f"{_('Coverage on')} {on}{known}"
    return {
        "spans": _drawn_spans(spans, today, f"{_('Coverage')}{known}"),
        "held": table_of(held.select(HELD), caption, words=words, empty=_("Nothing is known of that day.")),
    }


def _drawn_spans(rows: pl.DataFrame, today: date, caption: str) -> Days | None:
    if rows.is_empty():
        return None
    drawn = [
        Row(
            str(plan),
            [
                Span(_span_words(one), one["begins_on"], one["ends_on"], BASES.get(one["basis"], "plain"))
                for one in part.iter_rows(named=True)
            ],
        )
        for (_record, _type, plan), part in rows.group_by(
            "benefit_record", "plan_type", "plan", maintain_order=True
        )
    ]
    first = rows["begins_on"].min()
    begin = max(first, today - 3 * YEAR) if isinstance(first, date) else today - YEAR
    return days(
        drawn,
        caption=caption,
        begin=min(begin, today) - timedelta(days=31),
        through=today + YEAR,
        today=today,
    )


def _span_words(row: Mapping[str, Any]) -> str:
    until = f"{_('through')} {row['ends_on']}" if row["ends_on"] else _("on")
    return f"{row['option_code'] or row['kind']}: {row['begins_on']} {until}; {row['basis']}"


# --- deductions ---------------------------------------------------------------------------------------------


def _pays(request: Any, person: Person, today: date) -> dict[str, Any]:
    lines = story.pays_of(connection, person.client_id, person.pk, on=today)
    ends = lines["ends_on"].unique().sort(descending=True).to_list()
    form = PaysForm(request.GET if request.GET.get("pay") else None, ends=ends, auto_id="pays_%s")
    told: dict[str, Any] = {"pays": _by_pay(lines), "pays_form": form, "changed": None}
    if form.is_bound and form.is_valid():
        told |= _changed(person, form)
    return told


def _by_pay(lines: pl.DataFrame) -> list[dict[str, Any]]:
    """Each pay with its lines, the last first."""
    found = []
    for (ends_on,), part in lines.group_by("ends_on", maintain_order=True):
        rows = [
            {
                "plan": line["plan"],
                "option": line["option"] or "",
                "kind": f"{line['kind']} {line['tax_class']}".strip(),
                "owed": dollars(line["owed_cents"]) or _("not known"),
                "employer": dollars(line["employer_cents"]),
                "taken": dollars(line["taken_cents"]),
                "said": line["fault"] or line["cause"] or "",
            }
            for line in part.iter_rows(named=True)
        ]
        is_known = part["owed_cents"].null_count() == 0
        total = dollars(int(part["owed_cents"].sum())) if is_known else _("not known")
        taken = part["taken_cents"].drop_nulls()
        found.append(
            {
                "ends_on": ends_on,
                "check_on": part["check_on"][0],
                "lines": rows,
                "total": total,
                "taken": dollars(int(taken.sum())) if taken.len() else _("not reported"),
            }
        )
    return found


def _changed(person: Person, form: PaysForm) -> dict[str, Any]:
    pay, before = form.cleaned_data["pay"], form.cleaned_data["before"]
    try:
        earlier, rows = why(
            connection,
            person.client_id,
            person.pk,
            ends_on=date.fromisoformat(pay),
            before=date.fromisoformat(before) if before else None,
        )
    except OrderRefused as refused:
        form.add_error("pay", str(refused))
        return {}
    named = rows.with_columns(plan=plan_type_name())
    amounts = ("before_cents", "after_cents", "difference_cents")
    shown = [
        {"plan": row["plan"], "words": row["words"]} | {name: dollars(row[name]) for name in amounts}
        for row in named.iter_rows(named=True)
    ]
    return {"changed": {"earlier": earlier, "pay": pay, "rows": shown}}


# --- papers and letters -------------------------------------------------------------------------------------


def _documents(request: Any, person: Person, client: str) -> dict[str, Any]:
    """What was sent about somebody, and to them; papers about health only for who may see them."""
    sees_health = request.access.may(Permission.SEE_HEALTH, person.client_id)
    letters = [
        row | {"href": links.found("letter", client=client, number=row["document_id"])}
        for row in documents_of(connection, person.client_id, person.pk).head(LAST_SEEN).iter_rows(named=True)
    ]
    papers = documents.list_of(connection, person.client_id, person_id=person.pk)
    shown = [one for one in papers if sees_health or one["kind"] not in documents.HEALTH_KINDS]
    return {"letters": letters, "papers": shown[:LAST_SEEN], "hidden": len(papers) - len(shown)}


# --- who did what -------------------------------------------------------------------------------------------


def _acts(request: Any, person: Person) -> dict[str, Any]:
    acts = named_acts(connection, person.client_id, person.pk)
    prices = decided_prices(connection, person.client_id, [person.pk])
    told: dict[str, Any] = {
        "acts": table_of(acts, _("Done with their events after the fact"), empty=_("Nothing.")),
        "prices": table_of(
            prices, _("Prices decided"), empty=_("Rates and contributions say what they pay.")
        ),
        "audit": None,
    }
    if request.access.may(Permission.AUDIT, person.client_id):
        told["audit"] = _audit(person)
    return told


def _audit(person: Person) -> Table:
    rows = AuditEntry.objects.filter(client_id=person.client_id, person_id=person.pk).order_by("-at", "-pk")
    seen = rows.values_list("at", "user__username", "kind", "what", "reason")[:LAST_SEEN]
    schema = {"at": pl.Datetime("us", "UTC")} | dict.fromkeys(("who", "kind", "what", "reason"), pl.String)
    return table_of(
        pl.DataFrame(list(seen), schema=schema, orient="row"),
        _("Who saw and did what, the last first"),
        empty=_("Nobody yet."),
    )
