"""Editing a record in a draft: one form for every kind of record, and for the records inside it."""

from copy import deepcopy
from typing import Any

import msgspec
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.faults import message_of
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.entries import read_entries
from openbenefits.programs.drafts.reading import label_of as code_of
from openbenefits.programs.drafts.reading import where_of
from openbenefits.programs.drafts.records import (
    Plain,
    key_from,
    key_names,
    key_text,
    sections_of,
)
from openbenefits.programs.drafts.services import DraftRefused, Hand, OpenDraft
from openbenefits.programs.drafts.shapes import at_path, blank
from openbenefits.programs.findings import Finding
from openbenefits.programs.models import Draft
from openbenefits.workbench.pages import show
from openbenefits.workbench.set_up.entering import form_of, told_of
from openbenefits.workbench.set_up.holders import Holder, section_of, setup_page
from openbenefits.workbench.set_up.words import SECTIONS, title_of

NEW = "new"
NO_KEY = "-"
"""Stands in addresses for the key of a section that is one record."""
MOST_SUGGESTED = 500


def hand_of(request: Any) -> Hand:
    """Who acts, and when."""
    return Hand(name=request.user.username, user_id=request.user.pk, now=clock.now())


def draft_of(holder: Holder, number: int) -> Draft:
    """Find a draft of a set-up.

    Errors: Http404.
    """
    draft = Draft.objects.filter(pk=number, client_id=holder.client_id).first()
    if draft is None:
        raise Http404
    return draft


def editor_address(holder: Holder, draft: Draft, section: str, key: str, at: str = "") -> str:
    """Answer where a record of a draft, or a record inside it, is edited."""
    href = holder.address("setup_edit", number=draft.pk, section=section, key=key or NO_KEY)
    return f"{href}?at={at}" if at else href


@setup_page(
    "drafts/<int:number>/<str:section>/<path:key>/",
    name="setup_edit",
    title=_("Edit"),
    permission=Permission.SETUP,
)
def edit(request: Any, holder: Holder, number: int, section: str, key: str) -> HttpResponse:
    """Show the form of a record, take what was typed into the draft, or say what is wrong with it."""
    draft = draft_of(holder, number)
    record_type = section_of(holder, section)
    held = services.opened(draft)
    is_new = key == NEW
    parts = len(key_names(section, record_type))
    own = None if is_new else key_from(key, parts)
    record = blank(record_type) if own is None else held.record(section, own)
    if record is None and own == ():
        record = blank(record_type)
    if record is None:
        raise Http404
    path = _path(request.GET.get("at", ""))
    node_type, node = _inside(record_type, record, path)
    faults: dict[str, str] = {}
    posted = request.POST.dict() if request.method == "POST" else None
    if posted is not None and not (drop := _dropped(record, posted)):
        entered, faults = read_entries(node_type, node, posted)
        if not faults and "more" not in posted:
            try:
                saved = services.put(draft, section, own, _with(record, path, entered), by=hand_of(request))
            except DraftRefused as refused:
                faults[""] = message_of(refused)
            else:
                _noted(request, holder, draft)
                return _onwards(request, holder, draft, section, key_text(saved), path)
        if "more" in posted:
            faults = {}
    elif posted is not None and own is not None:
        return _drop(request, holder, draft, section, own, drop)
    found = [] if is_new or faults else findings_of(held, section, key)
    place = where_of({section: [record]}, (section, 0, *path)) if not is_new else section
    form = form_of(node_type, node, faults=faults, posted=posted, told=told_of(found, place))
    return _shown(request, holder, held, section, key, path, node, form, found, is_faulty=bool(faults))


def _path(text: str) -> list[str | int]:
    return [int(step) if step.isdecimal() else step for step in text.split(".") if step][:20]


def _inside(record_type: Any, record: Plain, path: list[str | int]) -> tuple[type[msgspec.Struct], Plain]:
    """Find the record at a path; the one behind the last is a new one.

    Errors: Http404.
    """
    try:
        node_type = at_path(record_type, path)
    except LookupError:
        raise Http404 from None
    node: Any = record
    for place, step in enumerate(path):
        is_last = place == len(path) - 1
        if isinstance(step, int) and isinstance(node, list) and step < len(node):
            node = node[step]
        elif isinstance(step, int) and isinstance(node, list) and step == len(node) and is_last:
            node = blank(node_type)
        elif isinstance(step, str) and isinstance(node, dict):
            node = node.get(step)
            if node is None and is_last:
                node = blank(node_type)
        else:
            raise Http404
    if not isinstance(node, dict):
        raise Http404
    return node_type, node


def _with(record: Plain, path: list[str | int], entered: Plain) -> Plain:
    """Put a record at its path into the one that holds it."""
    if not path:
        return entered
    whole = deepcopy(record)
    node: Any = whole
    for step in path[:-1]:
        node = node[step]
    last = path[-1]
    if isinstance(node, list) and isinstance(last, int) and last == len(node):
        node.append(entered)
    else:
        node[last] = entered
    return whole


def _dropped(record: Plain, posted: dict[str, str]) -> list[str | int]:
    """Read which record inside is to be taken out, or copied."""
    path = _path(posted.get("drop", "") or posted.get("twice", ""))
    try:
        node: Any = record
        for step in path:
            node = node[step]
    except (LookupError, TypeError):
        raise Http404 from None
    return path


def _drop(
    request: Any, holder: Holder, draft: Draft, section: str, own: tuple[str, ...], path: list[str | int]
) -> HttpResponse:
    record = deepcopy(services.opened(draft).record(section, own)) or {}
    node: Any = record
    for step in path[:-1]:
        node = node[step]
    last: Any = path[-1]
    if not isinstance(node, list) or not isinstance(last, int):
        raise Http404
    if request.POST.get("twice"):
        node.insert(last + 1, deepcopy(node[last]))
    else:
        del node[last]
    try:
        services.put(draft, section, own, record, by=hand_of(request))
    except DraftRefused as refused:
        messages.error(request, message_of(refused))
    else:
        _noted(request, holder, draft)
    return redirect(request.get_full_path())


def _noted(request: Any, holder: Holder, draft: Draft) -> None:
    what = f"edit draft {draft.pk} of set-up"
    note(request.access, "did", what, client_id=holder.client_id, now=clock.now())


def _onwards(
    request: Any, holder: Holder, draft: Draft, section: str, key: str, path: list[str | int]
) -> HttpResponse:
    """Go from a record inside to the one that holds it, else stay and see what is found."""
    messages.success(request, _("Kept in the draft. Nothing is in force yet."))
    holding = path[:-2] if path and isinstance(path[-1], int) else path[:-1]
    return redirect(
        editor_address(holder, draft, section, key, ".".join(str(step) for step in holding))
        if path
        else editor_address(holder, draft, section, key)
    )


def _shown(
    request: Any,
    holder: Holder,
    held: OpenDraft,
    section: str,
    key: str,
    path: list[str | int],
    node: Plain,
    form: Any,
    found: list[Finding],
    *,
    is_faulty: bool,
) -> HttpResponse:
    draft = held.draft
    name = code_of(node) or (_("new record") if key == NEW or not path else str(path[-1]))
    address = holder.address("setup_draft", number=draft.pk)
    crumbs = [(draft.name, address)]
    if path:
        crumbs.append((key.replace("~", ", "), editor_address(holder, draft, section, key)))
    if len(path) > 2:
        above = ".".join(str(step) for step in path[:-2])
        crumbs.append((above.replace(".", " "), editor_address(holder, draft, section, key, above)))
    return show(
        request,
        "workbench/set_up/edit.html",
        title=f"{title_of(section)}: {name}",
        client=holder.client,
        crumbs=holder.crumbs(*crumbs),
        holder=holder,
        draft=draft,
        form=form,
        section=section,
        key=key,
        is_whole=not path and key not in (NEW, NO_KEY),
        has_day="from" in node,
        is_switched="from" in node and "active" in node,
        act=holder.address("setup_draft_act", number=draft.pk),
        at=".".join(str(step) for step in path),
        says=SECTIONS.get(section, ("", ""))[1] if not path else "",
        findings=[one for one in found if one.sentence() not in form.told_texts],
        suggestions=_suggestions(held, holder, form.sections),
        status=422 if is_faulty else 200,
    )


def findings_of(held: OpenDraft, section: str, key: str) -> list[Finding]:
    """List what the check of a draft says of one record."""
    place = f"{section}/{'' if key == NO_KEY else key}"
    return [one for one in held.findings if one.file == place]


def _suggestions(held: OpenDraft, holder: Holder, sections: list[str]) -> dict[str, list[str]]:
    """The codes that may be named: of the draft, and of the PEO behind it."""
    bundle = held.reading.bundle or holder.loaded
    peo = holder.peo or bundle
    if bundle is None or peo is None:
        return {}
    audited = Audited(bundle=bundle, peo=peo)
    known = {section: audited.known(section)[:MOST_SUGGESTED] for section in sections}
    if "annual_limits" in known:
        known["annual_limits"] = sorted(peo.limits["code"].unique().to_list())
    return known


__all__ = ["draft_of", "edit", "editor_address", "hand_of", "sections_of"]
