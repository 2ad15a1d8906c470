"""TA1 and 999 matched to the files they answer: envelope, group, sets, members; files move by them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openbenefits.carriers.acknowledgements.reader import (
    Acknowledgements,
    EnvelopeAnswer,
    GroupAnswer,
    SetAnswer,
)
from openbenefits.carriers.acknowledgements.words import TAKEN, answered, said
from openbenefits.carriers.answers.places import Place, at_segment, places_of
from openbenefits.carriers.models import AnswerLine, CarrierFile, FileLine, FileSet
from openbenefits.carriers.rules.custody import (
    TELLING,
    FileState,
    MoveRefused,
    after_envelope,
    after_group,
    moved,
)
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.accepting import accept
from openbenefits.carriers.states.moving import locked

KINDS = {"BE": "834", "RA": "820"}
S = FileState


@dataclass
class Taking:
    """An answer as it is taken: whose, by whom, and what came of it so far.

    client_id: for whom it was handed in (0: nobody said). owner: whose agreement it is. lines: rows of the
    answer, without its number. strange: what a person has to look at.
    """

    client_id: int
    owner: int
    code: str
    author: str
    now: datetime
    lines: list[AnswerLine] = field(default_factory=list)
    files: dict[int, CarrierFile] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    unmatched: int = 0

    def line(self, *, verdict: str, words: str, file: CarrierFile | None = None, **told: Any) -> None:
        """Keep a row of the answer."""
        place: Place | None = told.pop("place_of", None)
        if place is not None and place.lines:
            told["person_id"] = place.lines[0].person_id
            told["client_id"] = place.lines[0].client_id
        told.setdefault("client_id", file.client_id if file else self.client_id)
        self.lines.append(
            AnswerLine(
                number=len(self.lines) + 1,
                file_id=file.pk if file else None,
                verdict=verdict,
                words=words,
                **told,
            )
        )
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1

    def lock(self, **which: Any) -> CarrierFile | None:
        """Lock the file of this partner that is meant: the latest of a number."""
        found = CarrierFile.objects.filter(partner=self.code, partner_client=self.owner, **which)
        number = found.order_by("-pk").values_list("pk", flat=True).first()
        if number is None:
            return None
        self.files[number] = locked(number)
        return self.files[number]


def take_acknowledgements(taking: Taking, told: Acknowledgements) -> None:
    """Take all an interchange acknowledges: envelopes first, as they would have come."""
    for one in told.envelopes:
        _envelope(taking, one)
    for group in told.groups:
        _group(taking, group)


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else -1


def _envelope(taking: Taking, one: EnvelopeAnswer) -> None:
    file = taking.lock(interchange=_number(one.control_number))
    words = f"The interchange is {answered(one.code)}: {said('interchange', one.note)}."
    taking.line(verdict=one.code or "-", code=one.note or None, words=words, file=file)
    if file is None:
        _nobody(taking, f"interchange {one.control_number}")
        return
    try:
        state = after_envelope(FileState(file.state), one.code)
    except MoveRefused as fault:
        _strange(taking, file, f"a TA1 of {one.code or 'nothing'}", fault)
        return
    if state == file.state:
        return
    accept(file, state, words, author=taking.author, now=taking.now)
    taking.words.append(f"File {file.pk}: {words}")
    if state == S.NOT_READ:
        numbers = FileSet.objects.filter(file_id=file.pk).values_list("set", flat=True)
        casing.refused_sets(file, [(one, words) for one in sorted(numbers)], now=taking.now)


def _group(taking: Taking, group: GroupAnswer) -> None:
    number = _number(group.control_number)
    file = taking.lock(group=number, kind=KINDS.get(group.kind, "none"))
    if file is None:
        taking.line(verdict=group.code or "-", words=group.words)
        _nobody(taking, f"group {group.control_number}")
        return
    sets = dict(FileSet.objects.filter(file_id=file.pk).values_list("control_number", "set"))
    _keep(taking, file, group, sets)
    codes = {sets[one.control_number]: one.code for one in group.sets if one.control_number in sets}
    try:
        state = _after(file, group, codes)
    except MoveRefused as fault:
        _strange(taking, file, f"a 999 of {group.code or 'nothing'}", fault)
        return
    before = dict(FileSet.objects.filter(file_id=file.pk).values_list("set", "code"))
    accept(file, state, group.words, author=taking.author, now=taking.now, codes=codes)
    taking.words.append(f"File {file.pk}: {group.words}")
    after = dict(FileSet.objects.filter(file_id=file.pk).values_list("set", "code"))
    refused = [one for one, code in sorted(after.items()) if code not in TAKEN and code is not None]
    fresh = [one for one in refused if before[one] != after[one]]
    why = [(one, _why(group, sets, one)) for one in fresh]
    casing.refused_sets(file, why, now=taking.now, persons=_refused_persons(taking, file, fresh))


def _refused_persons(taking: Taking, file: CarrierFile, refused: Sequence[int]) -> dict[int, int]:
    """Mark the lines for which sets were refused; answer the person of each set that was for one alone."""
    found: dict[int, set[int]] = {}
    for one in taking.lines:
        if one.file_id != file.pk or one.set not in refused or one.person_id is None:
            continue
        found.setdefault(one.set, set()).add(one.person_id)
        of_person = FileLine.objects.filter(file_id=file.pk, set=one.set, person_id=one.person_id)
        meant = of_person if one.line_number is None else of_person.filter(number=one.line_number)
        meant.filter(verdict__isnull=True).update(
            verdict="refused", code=one.code, words=one.words, answered_at=taking.now
        )
    return {number: min(persons) for number, persons in found.items() if len(persons) == 1}


def _after(file: CarrierFile, group: GroupAnswer, codes: dict[int, str]) -> FileState:
    """Answer the state after a 999; one that comes to a file that was taken is about the sets it names.

    Errors: MoveRefused.
    """
    state = FileState(file.state)
    to = after_group(S.SENT, group.code)
    if state in TELLING and to in TELLING:
        taken = set(FileSet.objects.filter(file_id=file.pk, code__in=TAKEN).values_list("set", flat=True))
        if any(one in taken and code not in TAKEN for one, code in codes.items()):
            raise MoveRefused("a set that was taken is refused now; what was told stays told")
        return state
    return moved(state, to)


def _keep(taking: Taking, file: CarrierFile, group: GroupAnswer, sets: dict[str, int]) -> None:
    """Keep what is said of a group, its sets, and places in them, with whom it means."""
    taking.line(verdict=group.code or "-", words=group.words, file=file)
    for error in group.errors:
        taking.line(verdict=group.code or "-", code=error, words=f"{said('group', error)}.", file=file)
    places = places_of(file) if any(one.findings for one in group.sets) and file.kind == "834" else []
    for one in group.sets:
        number = sets.get(one.control_number)
        if number is None:
            taking.unmatched += 1
        words = f"Set {one.control_number} is {answered(one.code)}"
        why = "; ".join(said("set", error) for error in one.errors)
        taking.line(
            verdict=one.code or "-", words=f"{words}{f': {why}' if why else ''}.", file=file, set=number
        )
        _findings(taking, file, one, number, places)


def _findings(
    taking: Taking, file: CarrierFile, one: SetAnswer, number: int | None, places: Sequence[Place]
) -> None:
    for found in one.findings:
        at = found.at
        place, line = (None, None) if number is None else at_segment(places, number, at.number)
        where = f"segment {at.number} {at.segment}" + (f", loop {at.loop}" if at.loop else "")
        element = f", element {at.element:02d}" if at.element else ""
        words = f"Segment {at.number} ({at.segment}{element}): {said(found.level, found.code)}."
        taking.line(
            verdict=one.code or "-",
            code=found.code,
            words=words,
            file=file,
            set=number,
            line_number=line,
            segment=at.segment,
            place=where + element,
            place_of=place,
        )


def _why(group: GroupAnswer, sets: dict[str, int], number: int) -> str:
    """Say why a set was refused."""
    for one in group.sets:
        if sets.get(one.control_number) == number:
            found = [f"segment {at.at.number}: {said(at.level, at.code)}" for at in one.findings[:5]]
            return f"{answered(one.code).capitalize()}. {'; '.join(found)}".rstrip(". ") + "."
    errors = "; ".join(said("group", one) for one in group.errors)
    return f"The 999 does not name it; the group is {answered(group.code)}{f': {errors}' if errors else ''}."


def _nobody(taking: Taking, what: str) -> None:
    taking.unmatched += 1
    words = f"It answers {what}, of which no file of ours for this partner is known; ask the partner."
    taking.words.append(words)
    taking.strange.append(words)


def _strange(taking: Taking, file: CarrierFile, what: str, fault: MoveRefused) -> None:
    words = f"File {file.pk}: {what} came, which changes nothing: {fault}"
    taking.words.append(words)
    taking.strange.append(words)
