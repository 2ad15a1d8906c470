"""Files for partners: listed by state and partner; one with its history, what it says, what it waits for."""

from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.carriers.custody.readings import LIMIT, REFUSED, file_lines
from openbenefits.carriers.filing.services import PLACED
from openbenefits.carriers.models import Answer, AnswerLine, CarrierFile, FileAct, FileLine, FileSet
from openbenefits.carriers.rules.custody import NO_ENROLMENT, TELLING, FileState
from openbenefits.workbench.carriers.lists import LAST, file_sheet, line_sheet, state_bars
from openbenefits.workbench.carriers.parts import (
    ENVIRONMENTS,
    KINDS,
    NUL,
    PURPOSES,
    STATES,
    TONES,
    WAITS,
    client_codes,
    clients_for,
    crumbs,
    file_of,
    noted_of,
    owner_path,
)
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.pages import Section, address, page, show

BOUND_TO_END = ("drop", "end earlier", "void")


@page("carriers/files/", name="carrier_files", title=_("Carrier files"), section=Section.CARRIERS)
def listed(request: Any) -> HttpResponse:
    """List files, the latest first; the address may ask for one state or one partner."""
    state, partner = request.GET.get("state", ""), request.GET.get("partner", "").replace("\x00", "")
    found = CarrierFile.objects.filter(client_id__in=clients_for(request, Permission.SEE))
    counts = dict(found.values_list("state").annotate(count=Count("pk")).order_by())
    if state in STATES:
        found = found.filter(state=state)
    if partner:
        found = found.filter(partner=partner)
    may_act = bool(clients_for(request, Permission.FINALIZE))
    table = file_sheet(request, found, picks=may_act)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/files.html",
        title=_("Carrier files"),
        crumbs=crumbs(),
        files=table,
        states=state_bars(counts),
        state=STATES.get(state, ""),
        partner=partner,
        most=LAST if table.whole == LAST else None,
        may_act=may_act and table.whole,
    )


@page("carriers/files/<int:number>/", name="carrier_file", title=_("Carrier file"))
def one(request: Any, number: int) -> HttpResponse:
    """Show a file: its states with times, counts, why it is held, what was found in it, what it says."""
    found = file_of(request, number)
    kinds = dict(
        FileLine.objects.filter(file_id=found.pk).values_list("kind").annotate(count=Count("pk")).order_by()
    )
    lines = _lines(request, found)
    if (file := lines.export()) is not None:
        noted_of(request, "saw", "lines of carrier file", found)
        return file
    noted_of(request, "saw", "carrier file", found)
    acts = _acts(found)
    refused = FileSet.objects.filter(file_id=found.pk).exclude(code__isnull=True).exclude(code="A")
    return show(
        request,
        "workbench/carriers/file.html",
        title=f"{found.partner}: {_('file')} {found.pk}",
        crumbs=crumbs((_("Carrier files"), address("carrier_files"))),
        file=found,
        client_code=client_codes().get(found.client_id, ""),
        owner_path=owner_path(found.partner_client),
        state=STATES.get(found.state, found.state),
        tone=TONES.get(found.state, ""),
        waits=WAITS.get(found.state),
        purpose=PURPOSES.get(found.purpose, found.purpose),
        environment=ENVIRONMENTS.get(found.environment, found.environment),
        acts=acts,
        kinds=_kinds(found, kinds),
        lines=lines,
        is_cut=sum(kinds.values()) > LIMIT and not _employee(request),
        employee=_employee(request),
        refused_sets=refused.order_by("set"),
        answers=_answers(request, found),
        resent=CarrierFile.objects.filter(resends=found.pk).values_list("pk", flat=True).first(),
        may=_may(
            request,
            found,
            is_in_doubt=bool(acts) and acts[-1]["row"].words == PLACED,
            is_refused=_is_refused(found),
        ),
    )


def _is_refused(found: CarrierFile) -> bool:
    """Whether a report refused anything in a file that can be told again."""
    refused = FileLine.objects.filter(file_id=found.pk, verdict__in=REFUSED)
    return refused.exclude(kind__in=NO_ENROLMENT).exists()


def _acts(found: CarrierFile) -> list[dict[str, Any]]:
    rows = FileAct.objects.filter(file_id=found.pk).order_by("number")
    return [{"row": row, "state": STATES.get(row.state, row.state)} for row in rows]


def _may(request: Any, found: CarrierFile, *, is_in_doubt: bool, is_refused: bool) -> dict[str, bool]:
    """Say what may be done with a file now, by somebody who may."""
    access, state = request.access, found.state
    may_release = access.may(Permission.FINALIZE, found.client_id)
    sees = access.may(Permission.SEE_PERSONAL, found.client_id)
    return {
        "release": may_release and state in (FileState.VALIDATED, FileState.HELD),
        "withdraw": may_release
        and state in (FileState.BUILT, FileState.VALIDATED, FileState.HELD, FileState.RELEASED),
        "send": may_release and state == FileState.RELEASED,
        "content": sees and access.may(Permission.PROCESS, found.client_id),
        "read": found.kind == "834",
        "again": access.may(Permission.PROCESS, found.client_id) and state in TELLING and is_refused,
        "decide": may_release and state == FileState.RELEASED and is_in_doubt,
    }


def _kinds(found: CarrierFile, kinds: dict[str, int]) -> Any:
    here = address("carrier_file", number=found.pk)
    values = [
        Bar(
            KINDS.get(kind, kind),
            count,
            href=f"{here}?kind={kind.replace(' ', '+')}",
            tone="bad" if kind in BOUND_TO_END else "plain",
        )
        for kind, count in sorted(kinds.items(), key=lambda one: -one[1])
    ]
    return bars(values, caption=_("What it says, by kind")) if values else None


def _lines(request: Any, found: CarrierFile) -> Any:
    """Answer the lines of a file: of all, of one kind, or of one employee."""
    kind = request.GET.get("kind")
    rows = file_lines(found.pk, kind=kind if kind in KINDS else None, employee=_employee(request))
    return line_sheet(request, rows)


def _employee(request: Any) -> str:
    return str(request.GET.get("employee", "")).replace(NUL, "").strip()


def _answers(request: Any, found: CarrierFile) -> list[dict[str, Any]]:
    """Answer what came back to a file, the first first."""
    ids = AnswerLine.objects.filter(file_id=found.pk).values_list("answer_id", flat=True).distinct()
    rows = Answer.objects.defer("content").filter(pk__in=list(ids)).order_by("taken_at", "pk")
    may = request.access.may
    return [
        {
            "row": row,
            "href": address("carrier_answer", number=row.pk) if may(Permission.SEE, row.client_id) else None,
        }
        for row in rows
    ]
