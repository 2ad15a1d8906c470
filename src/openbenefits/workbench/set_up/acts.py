"""What is done to drafts and releases: begun, changed, weighed, applied, given up, taken back."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.services import ask
from openbenefits.programs import services as setup
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.records import key_from, key_names
from openbenefits.programs.drafts.renewal import carry_forward, left_over
from openbenefits.programs.drafts.services import DraftRefused
from openbenefits.programs.models import Draft
from openbenefits.workbench.pages import act, reason_of
from openbenefits.workbench.set_up.browse import NO_CODE, key_in_force
from openbenefits.workbench.set_up.drafts import EFFECT
from openbenefits.workbench.set_up.editor import NEW, NO_KEY, draft_of, editor_address, hand_of
from openbenefits.workbench.set_up.holders import Holder, section_of, setup_page

MOST_NAMED = 5
"""Of what is named in a message; the rest is counted."""


class ActRefused(ValueError):
    """An order that lacks something: what was expected, what was found, what to change."""


def _done(request: Any, holder: Holder, what: str, reason: str = "") -> None:
    note(request.access, "did", what, client_id=holder.client_id, reason=reason, now=clock.now())


def day_in(request: Any, name: str) -> date:
    """Read a day of a form.

    Errors: ActRefused.
    """
    text = request.POST.get(name, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ActRefused(f"expected a day (YYYY-MM-DD), found '{text}'; correct it") from None


@setup_page("drafts/begin", name="setup_begin", title=gettext_lazy("Begin"), permission=Permission.SETUP)
@require_POST
def begin(request: Any, holder: Holder) -> HttpResponse:
    """Begin a draft."""
    begun: list[Draft] = []

    def do() -> None:
        name = request.POST.get("name", "")
        begun.append(services.begin(holder.client_id, holder.bundle_code, name=name, by=hand_of(request)))
        _done(request, holder, "begin a draft of set-up")

    answer = act(request, do, said=_("A draft is begun."), to=holder.address("setup_drafts"))
    return redirect(holder.address("setup_draft", number=begun[0].pk)) if begun else answer


@setup_page(
    "change/<str:section>/<path:code>/",
    name="setup_change",
    title=gettext_lazy("Change"),
    permission=Permission.SETUP,
)
@require_POST
def change(request: Any, holder: Holder, section: str, code: str) -> HttpResponse:
    """Open a record in the draft that was chosen, or in a new one."""
    record_type = section_of(holder, section)
    chosen = request.POST.get("draft", "")
    if chosen.isdecimal():
        draft = draft_of(holder, int(chosen))
    else:
        name = request.POST.get("name", "").strip() or _("Changes of %(day)s") % {"day": clock.today()}
        draft = services.begin(holder.client_id, holder.bundle_code, name=name, by=hand_of(request))
        _done(request, holder, "begin a draft of set-up")
    key = request.POST.get("key", "")
    if code == NO_CODE:
        key = NO_KEY if not key_names(section, record_type) else NEW
    elif not key:
        key = key_in_force(holder, section, code, clock.today())
    return redirect(editor_address(holder, draft, section, key))


Doing = Callable[[Any, Holder, Draft], str]


@setup_page(
    "drafts/<int:number>/act", name="setup_draft_act", title=gettext_lazy("Act"), permission=Permission.SETUP
)
@require_POST
def draft_act(request: Any, holder: Holder, number: int) -> HttpResponse:
    """Do with a draft what a button says."""
    draft = draft_of(holder, number)
    doing = DOING.get(request.POST.get("act", ""))
    if doing is None:
        raise Http404
    said: list[str] = []

    def do() -> None:
        said.append(doing(request, holder, draft))
        what = f"{request.POST['act']} (draft {draft.pk} of set-up)"
        _done(request, holder, what, reason_of(request))

    order = request.POST["act"]
    told = lazy(lambda: said[0] if said else order, str)()  # what came of it is known once it is done
    return act(request, do, said=told, to=holder.address("setup_draft", number=draft.pk))


def _key(request: Any, holder: Holder) -> tuple[str, tuple[str, ...]]:
    section = request.POST.get("section", "")
    record_type = section_of(holder, section)
    return section, key_from(request.POST.get("key", ""), len(key_names(section, record_type)))


def _restore(request: Any, holder: Holder, draft: Draft) -> str:
    services.restore(draft, *_key(request, holder), by=hand_of(request))
    return _("The record is again as it is in force.")


def _take_out(request: Any, holder: Holder, draft: Draft) -> str:
    section, key = _key(request, holder)
    services.take_out(draft, section, key, by=hand_of(request), today=clock.today())
    return _("The record is taken out in the draft.")


def _end(request: Any, holder: Holder, draft: Draft) -> str:
    section, key = _key(request, holder)
    source = request.POST.get("source", "").strip()
    services.end(draft, section, key, day_in(request, "on"), source, by=hand_of(request))
    return _("From that day on there is no such record.")


def _copy(request: Any, holder: Holder, draft: Draft) -> str:
    section, key = _key(request, holder)
    given = {
        name: request.POST[name].strip() for name in ("code", "from") if request.POST.get(name, "").strip()
    }
    services.copy(draft, section, key, given, by=hand_of(request))
    return _("The record is copied; change the copy now.")


def _settle(request: Any, _holder: Holder, draft: Draft) -> str:
    keeps = request.POST.get("keep") == "mine"
    services.settle(draft, request.POST.get("conflict", ""), keeps_mine=keeps, by=hand_of(request))
    return _("Settled.")


def _weigh(request: Any, holder: Holder, draft: Draft) -> str:
    day = day_in(request, "as_of")
    ask(
        request.access,
        EFFECT,
        {"draft": draft.pk, "as_of": day.isoformat()},
        client_id=holder.client_id,
        author=request.user.username,
        now=clock.now(),
    )
    return _("People and dollars are being worked out.")


def _forward(request: Any, _holder: Holder, draft: Draft) -> str:
    begins = day_in(request, "begins")
    source = request.POST.get("source", "").strip()
    count = carry_forward(draft, begins, source, by=hand_of(request))
    said = _("%(count)s records are carried forward to %(day)s.") % {"count": count, "day": begins}
    old = left_over(services.opened(draft).parts, begins)
    if not old:
        return said
    told = {"count": len(old), "some": ", ".join(old[:MOST_NAMED])}
    return said + " " + _("%(count)s rate tables have no rates of that year yet: %(some)s.") % told


def _give_up(request: Any, _holder: Holder, draft: Draft) -> str:
    services.give_up(draft, by=hand_of(request))
    return _("The draft is given up; it stays readable.")


def _apply(request: Any, _holder: Holder, draft: Draft) -> str:
    done = services.apply_draft(draft, by=hand_of(request), reason=reason_of(request))
    if done.outcome is setup.Outcome.REFUSED:
        errors = [one.sentence() for one in done.findings if one.severity == "E"]
        more = _(" And %(count)s more.") % {"count": len(errors) - 1} if len(errors) > 1 else ""
        raise DraftRefused(f"{errors[0]}{more}")
    if done.outcome is setup.Outcome.UNCHANGED or done.release is None:
        return _("Nothing differs from the set-up in force.")
    return _("Release %(number)s is in force.") % {"number": done.release.number}


DOING: dict[str, Doing] = {
    "restore": _restore,
    "take out": _take_out,
    "end": _end,
    "copy": _copy,
    "settle": _settle,
    "weigh": _weigh,
    "carry forward": _forward,
    "give up": _give_up,
    "apply": _apply,
}
"""What may be done with a draft, by the name of its button."""


@setup_page("take-back", name="setup_take_back", title=gettext_lazy("Take back"), permission=Permission.SETUP)
@require_POST
def take_back(request: Any, holder: Holder) -> HttpResponse:
    """Return to the release before."""
    reason = reason_of(request)

    def do() -> None:
        if not reason:
            raise ActRefused("expected a reason, found none; say why the release is taken back")
        done = setup.take_back(holder.bundle_code, by=request.user.username, now=clock.now())
        if done.outcome is setup.Outcome.REFUSED:
            raise ActRefused(done.findings[0].sentence())
        _done(request, holder, "take back a release of set-up", reason)

    said = _("The release before is in force again.")
    return act(request, do, said=said, to=holder.address("setup_history"))
