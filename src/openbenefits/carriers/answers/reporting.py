"""A partner's own report matched to files, members and lines: the only proof that somebody is enrolled.

A row means the latest file that told of its member (and line); one that names a file means that one, and a
payment is meant only where it is named. Words of the partner are kept without what identifies anybody.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import polars as pl
from django.db import connection
from django.db.models import Q, Window
from django.db.models.functions import RowNumber

from openbenefits.carriers.acknowledgements.reports import OF_SETS, Layout, Report
from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.answers.acknowledging import Taking
from openbenefits.carriers.answers.places import Place, lines_of, members_of, places_of
from openbenefits.carriers.models import CarrierFile, FileLine, FileSet
from openbenefits.carriers.rules.custody import REFUSING, TELLING, FileState
from openbenefits.carriers.states import casing
from openbenefits.carriers.states.accepting import BAD, GOOD, accept, confirm, reported, told_sets
from openbenefits.carriers.states.moving import locked
from openbenefits.carriers.states.waiting import is_answered_by_reports
from openbenefits.store.bulk import update_from
from openbenefits.workforce.models import Person

MOST_FILES = 40
"""So many files of each client back a row is looked for that names none."""
S = FileState
LOOKED_AT = (S.SENT, S.RECEIVED, *TELLING)
UNNAMED = ("834", "file")
"""Kinds of files a row may mean that names none."""
NAMED = (*UNNAMED, "820")
NUMBERS = re.compile(r"\d{3}-?\d{2}-?\d{4}")
ELLIPSIS = "…"
SAID: dict[str, Any] = {
    "file_id": pl.Int64,
    "number": pl.Int32,
    "verdict": pl.String,
    "code": pl.String,
    "words": pl.String,
    "answered_at": pl.Datetime("us", "UTC"),
}
LEAST = 3  # a shorter name may be part of any word


@dataclass(frozen=True, kw_only=True)
class Match:
    """A row of a report, whom it means, and the numbers of his lines in the file."""

    row: dict[str, Any]
    place: Place
    numbers: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the row is about a whole set, or file, and not about this member."""
        return _is_whole(self.row)


def take_report(taking: Taking, told: Report, layout: Layout, partner: Partner) -> None:
    """Take a report: verdicts to lines, confirmations to the view, states of files, cases."""
    for fault in told.faults.iter_rows(named=True):
        words = f"Row {fault['row']}, {fault['column']}: {fault['words']}."
        taking.line(verdict="not read", words=words)
        taking.strange.append(words)
    rows = list(told.rows.iter_rows(named=True))
    found, left = _matched(taking, rows, partner)
    for file_id, matches in found.items():
        _to_file(taking, taking.files[file_id], matches, partner)
        _refused_whole(taking, file_id, matches)
    _silent(taking, layout, rows, found, told.faults.height, partner)
    _unmatched(taking, left)
    _settle_cases(taking, found)


def _matched(
    taking: Taking, rows: Sequence[dict[str, Any]], partner: Partner
) -> tuple[dict[int, list[Match]], list[dict[str, Any]]]:
    """Match rows to members of files, the latest file first; answer by file, and what nobody's is."""
    left, found = list(rows), {}
    for file in _files(taking, rows):
        if not left:
            break
        places = places_of(file)
        index = _index(places)
        by_row = [_matches(row, file, places, index, partner) for row in left]
        if any(by_row):
            taking.files[file.pk] = locked(file.pk)
            found[file.pk] = _each_once(list(chain.from_iterable(by_row)))
        left = [row for row, own in zip(left, by_row, strict=True) if not own]
    return found, left


def _each_once(matches: Sequence[Match]) -> list[Match]:
    """Leave to rows about a whole set what no row about a member says."""
    named = {number for one in matches if not one.is_whole for number in one.numbers}
    rest = [
        replace(one, numbers=tuple(number for number in one.numbers if number not in named))
        for one in matches
        if one.is_whole
    ]
    return [*(one for one in matches if not one.is_whole), *(one for one in rest if one.numbers)]


def _files(taking: Taking, rows: Iterable[dict[str, Any]]) -> Iterator[CarrierFile]:
    """Answer the files a report may mean: those it names, then the latest of each client first."""
    whose = Q(client_id__in=(0, taking.client_id)) if taking.client_id else Q()
    own = CarrierFile.objects.filter(
        whose,
        partner=taking.code,
        partner_client=taking.owner,
        kind__in=NAMED,
        state__in=[str(one) for one in LOOKED_AT],
    ).order_by("-pk")
    back = Window(RowNumber(), partition_by="client_id", order_by="-pk")
    enrolled = own.filter(kind__in=UNNAMED)
    latest = enrolled.annotate(back=back).filter(back__lte=MOST_FILES).order_by("back", "-pk")
    named = {row["file_reference"] for row in rows if row["file_reference"]}
    by_name = own.filter(Q(reference__in=named) | Q(file_name__in=named)) if named else own.none()
    seen = set()
    for one in chain(by_name, latest.iterator()):
        if one.pk not in seen:
            seen.add(one.pk)
            yield one


def _index(places: Sequence[Place]) -> dict[str, list[Place]]:
    """Answer members by every identifier a report may use: the file's own, our keys, employee numbers."""
    persons = {line.person_id for one in places for line in one.lines}
    numbers = dict(Person.objects.filter(pk__in=persons).values_list("pk", "employee_number"))
    found: dict[str, list[Place]] = {}
    for one in places:
        if not one.member:
            continue
        keys = {one.family, one.subscriber, one.member, one.ssn, *one.ids}
        keys |= {numbers.get(line.person_id, "") for line in one.lines}
        for key in keys - {""}:
            found.setdefault(_plain(key), []).append(one)
    return found


def _plain(text: str | None) -> str:
    return re.sub(r"[\s-]", "", text or "").upper()


def _matches(
    row: dict[str, Any],
    file: CarrierFile,
    places: Sequence[Place],
    index: Mapping[str, list[Place]],
    partner: Partner,
) -> list[Match]:
    """Answer whom of a file a row means: a member, everybody in a set, or nobody."""
    reference = row["file_reference"]
    if reference not in (file.reference, file.file_name) and (reference or file.kind not in UNNAMED):
        return []
    if _is_whole(row):
        return _everybody(row, file, places)
    match = _match(row, index, partner)
    return [match] if match else []


def _is_whole(row: Mapping[str, Any]) -> bool:
    return not (row["member"] or row["subscriber"])


def _everybody(row: dict[str, Any], file: CarrierFile, places: Sequence[Place]) -> list[Match]:
    """Answer the members a row about a whole set means; without a set, those of the whole file."""
    sets = FileSet.objects.filter(file_id=file.pk)
    if row[OF_SETS]:
        sets = sets.filter(control_number=row[OF_SETS])
    meant = set(sets.values_list("set", flat=True))
    said = row | {"words": _without_persons(row["words"] or "", row, *places)}
    own = [line for line in lines_of(file) if line.set in meant]
    return [
        Match(row=said, place=one, numbers=tuple(line.number for line in one.lines))
        for one in members_of(own)
    ]


def _match(row: dict[str, Any], index: Mapping[str, list[Place]], partner: Partner) -> Match | None:
    members = _members(row, index)
    lines = [line for one in members for line in one.lines if line.line]
    meant = _lines(row, lines, partner)
    if not members or (row["line"] and not meant):
        return None
    own = meant or [line for one in members for line in one.lines]
    return Match(row=row, place=members[0], numbers=tuple(sorted({line.number for line in own})))


def _members(row: dict[str, Any], index: Mapping[str, list[Place]]) -> list[Place]:
    """Answer whom a row means: one member (who may stand in a file twice), or nobody."""
    family = index.get(_plain(row["subscriber"]), []) if row["subscriber"] else []
    own = index.get(_plain(row["member"]), []) if row["member"] else []
    if family and own:
        theirs = {one.member for one in family}
        found = [one for one in own if one.member in theirs] or family
    else:
        found = own or family
    named = [one for one in found if _is_named(row, one)]
    if row["first_name"] or row["birth_on"]:
        found = named
    members = {one.member for one in found}
    if len(members) > 1:  # a number of the whole family, and no name: the subscriber is meant
        found = [one for one in found if one.is_subscriber]
    return found


def _is_named(row: dict[str, Any], one: Place) -> bool:
    """Whether name and birth date of a row, as far as it has them, are those of a member."""
    if row["first_name"] and one.first_name and _plain(row["first_name"]) != _plain(one.first_name):
        return False
    return not (row["birth_on"] and one.birth_on and row["birth_on"] != one.birth_on)


def _lines(row: dict[str, Any], lines: Sequence[FileLine], partner: Partner) -> list[FileLine]:
    """Answer the lines a row means: of its insurance, then of its plan and day where that leaves some."""
    found = [one for one in lines if not row["line"] or row["line"] in _names(one, partner)]
    plan = [one for one in found if row["plan"] and row["plan"] in _plans(one, partner)]
    found = plan or found
    day = [
        one for one in found if row["effective_on"] and row["effective_on"] in (one.begins_on, one.ends_on)
    ]
    return day or found


def _names(line: FileLine, partner: Partner) -> set[str]:
    code = partner.profile.plans.get(line.plan or "") if partner.profile else None
    return {line.line, line.plan_type, *((code.insurance,) if code else ())}


def _plans(line: FileLine, partner: Partner) -> set[str]:
    code = partner.profile.plans.get(line.plan or "") if partner.profile else None
    return {line.plan or "", *((code.plan,) if code else ())}


def _to_file(taking: Taking, file: CarrierFile, matches: Sequence[Match], partner: Partner) -> None:
    """Write the verdicts to the lines of a file, the latest word of each, and let it come to what follows."""
    last: dict[int, Match] = {}
    for match in matches:
        row = match.row
        words = _without_persons(row["words"] or "", row, match.place)
        taking.line(
            verdict=row["verdict"],
            code=row["code"],
            words=words or f"The partner says: {row['verdict']}.",
            file=file,
            set=match.place.set,
            line_number=match.numbers[0] if len(match.numbers) == 1 else None,
            place_of=match.place,
        )
        last |= {number: match for number in match.numbers if _is_worse(row, last.get(number))}
    _write(taking, file, last)
    good = [number for number, match in last.items() if match.row["verdict"] in GOOD]
    _follow(taking, file, good, partner)


def _refused_whole(taking: Taking, file_id: int, matches: Sequence[Match]) -> None:
    """Tell a person of sets that were refused as a whole: once for each word of the partner."""
    bad = [one for one in matches if one.is_whole and one.row["verdict"] in BAD]
    for number in dict.fromkeys(one.row["row"] for one in bad):
        own = [one for one in bad if one.row["row"] == number]
        row = own[0].row
        of = f"set {row[OF_SETS]} of " if row[OF_SETS] else ""
        words = (
            f"The partner refused {of}file {file_id} as a whole, {len(own)} members, code"
            f" {row['code'] or 'none'}: {row['words'] or 'no words'}. Correct what it names, then have it"
            " told again."
        )
        taking.words.append(words)
        taking.strange.append(words)


def _write(taking: Taking, file: CarrierFile, said: Mapping[int, Match]) -> None:
    """Write what was said of lines, by number, in one statement."""
    rows = [
        (
            file.pk,
            number,
            match.row["verdict"],
            match.row["code"],
            _without_persons(match.row["words"] or "", match.row, match.place) or None,
            taking.now,
        )
        for number, match in said.items()
    ]
    frame = pl.DataFrame(rows, schema=SAID, orient="row")
    update_from(connection, FileLine._meta.db_table, frame, ["file_id", "number"], list(SAID)[2:])


def _is_worse(row: dict[str, Any], known: Match | None) -> bool:
    """Whether a row counts for a line: of several in one report the one that needs a person."""
    return known is None or row["verdict"] in BAD or known.row["verdict"] not in BAD


def _follow(taking: Taking, file: CarrierFile, good: Sequence[int], partner: Partner) -> None:
    if is_answered_by_reports(file, partner) and file.state in (S.SENT, S.RECEIVED):
        words = "the report is the first answer that is agreed: what was sent counts as told"
        accept(file, S.ACCEPTED, words, author=taking.author, now=taking.now)
    if good and file.state in TELLING:
        confirm(file, good, now=taking.now)
    reported(file, author=taking.author, now=taking.now)


def _silent(
    taking: Taking,
    layout: Layout,
    rows: Sequence[dict[str, Any]],
    found: Mapping[int, Sequence[Match]],
    faults: int,
    partner: Partner,
) -> None:
    """Take silence for what the layout says: whom a report of exceptions does not name was accepted.

    That is the file it names, or else the latest that waits for a report. A report with rows that cannot be
    read says nothing by its silence.
    """
    if layout.silence != "accepted" or faults:
        return
    waits = [str(one) for one in (S.ACCEPTED, S.ACCEPTED_WITH_ERRORS, S.ACCEPTED_IN_PART, S.CONFIRMED)]
    if any(is_answered_by_reports(one, partner) for one in _files(taking, rows)):
        waits += [str(S.SENT), str(S.RECEIVED)]
    own = CarrierFile.objects.filter(
        partner=taking.code, partner_client=taking.owner, kind__in=("834", "file"), state__in=waits
    )
    named = {row["file_reference"] for row in rows if row["file_reference"]}
    if named:
        own = own.filter(Q(reference__in=named) | Q(file_name__in=named))
    number = max(found) if found else own.order_by("-pk").values_list("pk", flat=True).first()
    if number is None or (named and not own.filter(pk=number).exists()):
        return
    file = taking.files.setdefault(number, locked(number))
    unsaid = FileLine.objects.filter(file_id=file.pk, verdict__isnull=True)
    if file.state in TELLING:
        unsaid = unsaid.filter(set__in=told_sets(file))
    numbers = list(unsaid.values_list("number", flat=True))
    unsaid.update(verdict="accepted", answered_at=taking.now)
    taking.verdicts["accepted by silence"] = len(numbers)
    _follow(taking, file, numbers, partner)


def _unmatched(taking: Taking, rows: Sequence[dict[str, Any]]) -> None:
    """Keep and tell rows about nobody whom our files told of."""
    for row in rows:
        words = _without_persons(row["words"] or "", row)
        taking.line(
            verdict=row["verdict"],
            code=row["code"],
            words=f"Row {row['row']} is about nobody in a file of ours. {words}".strip(),
        )
    if rows:
        taking.unmatched += len(rows)
        words = f"{len(rows)} rows are about nobody in a file of ours; look at them, and ask the partner."
        taking.words.append(words)
        taking.strange.append(words)


def _settle_cases(taking: Taking, found: Mapping[int, Sequence[Match]]) -> None:
    """Open cases of members who are refused, close those of members of whom nothing is refused any more.

    A whole set that is refused is one thing to look at, whoever is in it.
    """
    refusals, good = [], set()
    for file_id, matches in found.items():
        for match in matches:
            line = match.place.lines[0]
            if match.row["verdict"] in BAD and not match.is_whole:
                refusals.append(_refusal(taking, file_id, match))
            elif match.row["verdict"] in GOOD:
                good.add((line.client_id, match.place.member))
    bad = _still_refused(taking, {member for _, member in good})
    casing.refused_members(refusals, now=taking.now)
    casing.confirmed_members(taking.code, {one for one in good if one[1] not in bad}, now=taking.now)


def _refusal(taking: Taking, file_id: int, match: Match) -> casing.Refusal:
    first = next(one for one in match.place.lines if one.number in match.numbers)
    row = match.row
    has_event = first.schedule_id is not None and first.event_number is not None
    return casing.Refusal(
        client_id=first.client_id,
        person_id=first.person_id,
        partner=taking.code,
        member=match.place.member,
        file_id=file_id,
        code=row["code"] or row["verdict"],
        words=_without_persons(row["words"] or "", row, match.place),
        event=(first.schedule_id, first.event_number) if has_event else None,
    )


def _still_refused(taking: Taking, members: set[str]) -> set[str]:
    """Answer of which members the latest word on some line is a refusal."""
    files = CarrierFile.objects.filter(partner=taking.code, partner_client=taking.owner).exclude(
        state__in=[str(one) for one in (*REFUSING, S.WITHDRAWN, S.INVALID)]
    )
    rows = FileLine.objects.filter(file_id__in=files.values("pk"), member__in=members).order_by(
        "file_id", "number"
    )
    said = pl.DataFrame(
        list(rows.values_list("member", "line", "verdict")),
        schema={"member": pl.String, "line": pl.String, "verdict": pl.String},
        orient="row",
    ).filter(pl.col("verdict").is_not_null())
    last = said.unique(["member", "line"], keep="last", maintain_order=True)
    return set(last.filter(pl.col("verdict").is_in(BAD))["member"])


def _without_persons(words: str, row: Mapping[str, Any], *places: Place) -> str:
    """Take out of the partner's words what identifies somebody: names, numbers, birth dates."""
    known = [row.get(name) for name in ("last_name", "first_name", "subscriber", "member")]
    for one in places:
        known += [one.last_name, one.first_name, one.ssn, one.family]
    for birth in (row.get("birth_on"), *(one.birth_on for one in places)):
        known += [birth.strftime(form) for form in ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y")] if birth else []
    found, small = NUMBERS.sub(ELLIPSIS, words), words.lower()
    said = {one for one in known if one and len(one) >= LEAST and one.lower() in small}
    for one in sorted(said, key=len, reverse=True):
        found = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", ELLIPSIS, found, flags=re.IGNORECASE)
    return found
