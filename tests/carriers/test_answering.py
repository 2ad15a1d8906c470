"""Answers: matched to files, in any order, once; strange ones change nothing; nobody sees those of others."""

from itertools import permutations

import pytest
from django.db import connections
from tests.carriers.custody_files import (
    BUILT,
    CODE,
    HOUR,
    LAYOUT,
    ack,
    agree,
    at,
    built,
    put,
    report,
    ta1,
)

from openbenefits.carriers.acknowledgements.reader import read_acknowledgements
from openbenefits.carriers.acknowledgements.reports import ReportRefused
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.answers.places import places_of
from openbenefits.carriers.building import viewing
from openbenefits.carriers.custody.retelling import AGAIN, SINCE, WAITS, refused_lines, tell_again
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import (
    Answer,
    AnswerLine,
    CarrierFile,
    ControlNumber,
    FileAct,
    FileLine,
    FileSet,
    Received,
    ViewLine,
)
from openbenefits.carriers.states.moving import FileRefused
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.store.isolation import FACE, Rights, acting


@pytest.fixture
def file(fresh_database, kept, tmp_path):
    def filled():
        client_id = put(tmp_path)
        file = built(fresh_database, client_id, largest=5)
        filing.release(file.pk, author="ann", words="looked at", now=BUILT)
        filing.send(fresh_database, file.pk, now=BUILT, author="ann")
        return file.pk

    number = kept(fresh_database, "custody: a file that was sent", filled)
    agree(tmp_path / "out", tmp_path / "back")
    return CarrierFile.objects.get(pk=number)


def take(file, data, name="answer", hours=1, **more):
    return answering.take(
        connections["default"],
        file.client_id,
        CODE,
        data,
        name,
        author="test",
        now=BUILT + hours * HOUR,
        **more,
    )


def standing(file):
    """What of it all may not depend on the order of answers."""
    file.refresh_from_db()
    return (
        file.state,
        list(FileSet.objects.filter(file_id=file.pk).order_by("set").values_list("set", "code")),
        list(FileLine.objects.filter(file_id=file.pk).order_by("number").values_list("number", "verdict")),
        sorted(ViewLine.objects.values_list("member", "line", "begins_on", "ends_on", "plan")),
        sorted(ViewLine.objects.filter(confirmed_at__isnull=False).values_list("member", "line")),
        Ticket.objects.filter(IS_OPEN)
        .order_by("about_kind", "about_key")
        .values_list("about_kind", "about_key")[:],
    )


def test_the_order_of_answers_does_not_matter(file, fresh_database):
    sets = FileSet.objects.filter(file_id=file.pk).count()
    places = places_of(file)
    refused = next(one for one in places if one.set == 1)
    other = next(one for one in places if one.set == 2)
    answers = (
        ta1(file, "A"),
        ack(file, {1: "A", **{one: "A" if one != 3 else "R" for one in range(2, sets + 1)}}),
        report(
            {"subscriber": refused.family, "first": refused.first_name, "status": "REJ", "code": "7"},
            {"subscriber": other.family, "first": other.first_name, "status": "OK"},
        ),
    )
    found = []
    for order in permutations(answers):
        with undone(fresh_database):
            for hours, data in enumerate(order):
                take(file, data, hours=hours)
            state = standing(file)
            found.append((*state[:5], list(state[5])))
    assert found[0][0] == "confirmed"
    assert dict(found[0][1])[3] == "R"
    assert found[0][4]
    assert all(one == found[0] for one in found[1:])


class _Undone(Exception):
    pass


class undone:  # noqa: N801 - reads as a word
    """Give up what was done within."""

    def __init__(self, connection):
        from django.db import transaction

        self.block = transaction.atomic()
        self.connection = connection

    def __enter__(self):
        self.block.__enter__()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.connection.set_rollback(True)
        self.block.__exit__(kind, value, trace)


def test_the_same_answer_twice_changes_nothing(file):
    for data in (ta1(file, "A"), ack(file, {1: "A"}, group="A")):
        first = take(file, data)
        before = standing(file)[:5], FileAct.objects.count(), AnswerLine.objects.count()
        again = take(file, data, name="another name", hours=9)
        assert (first.is_new, again.is_new, again.answer_id) == (True, False, first.answer_id)
        assert (standing(file)[:5], FileAct.objects.count(), AnswerLine.objects.count()) == before
        assert Answer.objects.filter(pk=first.answer_id).get().file_name == "answer"
    assert take(file, ack(file, {1: "A"}, group="A", number=2)).is_new  # said again: kept, and nothing moves
    assert standing(file)[0] == "accepted"


@pytest.mark.parametrize(
    ("code", "state", "is_told"),
    [
        ("A", "accepted", True),
        ("E", "accepted with errors", True),
        ("R", "rejected", False),
        ("X", "rejected", False),
    ],
)
def test_a_group_without_sets_is_answered_as_a_whole(file, fresh_database, code, state, is_told):
    assert take(file, ack(file, group=code)).files == {file.pk: state}
    told = viewing.told(fresh_database, [file.client_id], CODE)
    members = set(FileLine.objects.filter(file_id=file.pk).exclude(line="").values_list("member", flat=True))
    assert set(told.cover["member"]) == (members if is_told else set())
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier set").exists() != is_told


def test_an_envelope_nobody_could_read_moves_nothing_and_goes_again_whole(file, fresh_database):
    take(file, ta1(file, "R", "025"))
    assert standing(file)[0] == "not read"
    assert viewing.told(fresh_database, [file.client_id], CODE).cover.is_empty()
    case = Ticket.objects.filter(about_kind="carrier set").first()
    assert "received before" in case.body
    again = built(fresh_database, file.client_id, largest=5, now=BUILT + 30 * HOUR)
    assert (again.resends, again.reference) == (file.pk, file.reference)
    assert again.interchange != file.interchange
    assert not FileSet.objects.filter(file_id=file.pk, resent_by=None).exists()


def test_what_contradicts_is_kept_told_and_changes_nothing(file):
    take(file, ack(file, group="A"))
    before = standing(file)[:5]
    taken = take(file, ack(file, group="R", number=2))
    assert standing(file)[:5] == before
    assert "changes nothing" in taken.words[0]
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier answer").count() == 1
    take(file, ta1(file, "R"))
    assert standing(file)[:5] == before


def test_sets_named_later_are_told_later(file, fresh_database):
    sets = FileSet.objects.filter(file_id=file.pk).count()
    take(file, ack(file, {1: "A", 2: "R"}))
    assert dict(standing(file)[1]) == {1: "A", **dict.fromkeys(range(2, sets + 1), "R")}
    take(file, ack(file, {2: "A"}, group="P", number=2))
    assert dict(standing(file)[1])[2] == "A"
    told = set(viewing.told(fresh_database, [file.client_id], CODE).cover["member"])
    of_two = FileLine.objects.filter(file_id=file.pk, set=2).exclude(line="").values_list("member", flat=True)
    assert set(of_two) <= told
    assert not Ticket.objects.filter(IS_OPEN, about_kind="carrier set", about_key=f"{file.pk}/2").exists()


def test_a_late_answer_to_an_earlier_file_does_not_undo_a_later_one(file, fresh_database):
    """The later file is said once more on top."""
    line = FileLine.objects.filter(file_id=file.pk).exclude(line="").order_by("number").first()
    from datetime import date

    from openbenefits.enrollment.models import Coverage

    points = Coverage.objects.filter(
        client_id=file.client_id, person_id=line.person_id, plan_type=line.plan_type
    )
    points.delete()
    later = built(fresh_database, file.client_id, now=BUILT + 24 * HOUR, on=date(2025, 12, 2))
    filing.release(later.pk, author="ann", words="looked at", now=BUILT)
    filing.send(fresh_database, later.pk, now=BUILT, author="ann")
    take(later, ack(later, group="A"), hours=30)
    take(file, ack(file, group="A", number=2), hours=31)
    told = viewing.told(fresh_database, [file.client_id], CODE).cover
    assert line.member not in set(told.filter(line=line.line)["member"])
    assert told.height


def test_an_answer_to_nobody_is_kept_and_told(file):
    ghost = CarrierFile(pk=file.pk, interchange=999, group=998)
    ghost.content = file.content
    for data in (ack(ghost, {1: "A"}), ta1(ghost, "A")):
        taken = take(file, data)
        assert (taken.unmatched, taken.files) == (1, {})
        assert Answer.objects.filter(pk=taken.answer_id).exists()
    taken = take(file, report({"subscriber": "nobody", "status": "REJ", "text": "who is 123-45-6789"}))
    assert taken.unmatched == 1
    words = AnswerLine.objects.get(answer_id=taken.answer_id).words
    assert "6789" not in words
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier answer").count() == 3
    assert standing(file)[0] == "sent"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b" \n", answering.AnswerRefused),
        (b"ISA*00*cut off", X12Refused),
        (b"a,b\n1,2", ReportRefused),
        (b"\xff\xfe\x00", ReportRefused),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(file, data, fault):
    with pytest.raises(fault, match="expected"):
        take(file, data)
    assert not Answer.objects.exists()


def test_a_layout_is_named_or_found(file, tmp_path):
    import msgspec

    other = msgspec.structs.replace(LAYOUT, delimiter=";")
    agree(tmp_path / "out", tmp_path / "back", reports={"one": LAYOUT, "two": other})
    rows = report({"subscriber": "nobody", "status": "REJ"})
    assert take(file, rows.replace(b",", b";")).unmatched == 1
    assert take(file, rows, layout="one").unmatched == 1
    with pytest.raises(answering.AnswerRefused, match="one, two"):
        take(file, b"x", layout="three")
    agree(tmp_path / "out", tmp_path / "back", reports={})
    with pytest.raises(answering.AnswerRefused, match="no report is agreed"):
        take(file, b"x")


def test_a_report_finds_members_lines_and_keeps_words_without_persons(file):
    take(file, ack(file, group="A"))
    place = next(one for one in places_of(file) if not one.is_subscriber and one.places)
    text = f"{place.first_name} {place.last_name} born {place.birth_on:%m/%d/%Y} is on file 5 times"
    row = {
        "reference": file.reference,
        "subscriber": place.family,
        "first": place.first_name.lower(),
        "born": f"{place.birth_on:%Y%m%d}",
        "line": "HMO",
        "status": "DIFF",
        "code": "D1",
        "text": text,
    }
    taken = take(file, report(row))
    assert (taken.unmatched, taken.files) == (0, {file.pk: "confirmed"})
    told = list(FileLine.objects.filter(file_id=file.pk, verdict="different").values_list("member", "words"))
    assert {member for member, _ in told} == {place.member}
    assert all("on file 5 times" in words and place.first_name not in words for _, words in told)
    line = AnswerLine.objects.get(answer_id=taken.answer_id)
    assert line.person_id == place.lines[0].person_id
    assert take(file, report({**row, "line": "DEN"})).unmatched == 1
    assert take(file, report({**row, "reference": "other"})).unmatched == 1


def test_an_824_says_the_same_as_a_report(file):
    first, other = [one for one in places_of(file) if one.is_subscriber and one.lines][:2]
    items = [
        ["OTI", "IR", "TN", file.reference], ["REF", "0F", first.family], ["NM1", "IL", "1", first.last_name],
        ["TED", "024", f"{first.last_name} lives outside of the area"],
        ["OTI", "IA", "TN", file.reference], ["REF", "0F", other.family],
        ["OTI", "TP", "TN", file.reference, "", "", "", "", "7", "0003"], ["TED", "012", "look"],
        ["OTI", "IR", "TN", file.reference], ["REF", "0F", "nobody"],
    ]  # fmt: skip
    taken = take(file, advice(*items))
    assert (taken.kind, dict(taken.verdicts), taken.unmatched) == (
        "report",
        {"refused": 2, "accepted": 1, "not read": 1},
        1,
    )
    said = {one.pk[1]: one for one in FileLine.objects.filter(file_id=file.pk, verdict__isnull=False)}
    assert {said[one.number].verdict for one in first.lines} == {"refused"}
    assert {said[one.number].verdict for one in other.lines} == {"accepted"}
    line = said[first.lines[0].number]
    assert (line.code, line.words) == ("024", "… lives outside of the area")
    words = AnswerLine.objects.get(answer_id=taken.answer_id, verdict="not read").words
    assert "set 0003 was warned, code 012" in words
    with pytest.raises(X12Refused, match="SE01"):
        take(file, advice(*items).replace(b"SE*", b"SE*9"))


def test_an_824_about_a_whole_set_answers_for_everybody_in_it(file):
    """What it says of a member besides counts for him; a refused set is one thing for a person to look at."""
    take(file, ack(file, group="A"))
    controls = dict(FileSet.objects.filter(file_id=file.pk).values_list("set", "control_number"))
    own = {number: [one for one in places_of(file) if one.set == number and one.lines] for number in controls}
    first, named = own[1][0], own[2][0]

    def whole(code, number, words):
        of = ["", "", "", "", "", controls[number]] if number else []
        return [["OTI", code, "TN", file.reference, *of], ["TED", "012", words]]

    def verdicts(*sets):
        lines = FileLine.objects.filter(file_id=file.pk, set__in=sets)
        return set(lines.values_list("verdict", "code", "words"))

    odd = [["OTI", "IR", "TN", file.reference], ["REF", "0F", named.family]]
    items = [*whole("TR", 1, f"{first.last_name} and others"), *whole("TA", 2, ""), *odd]
    taken = take(file, advice(*items))
    assert verdicts(1) == {("refused", "012", "… and others")}
    refused = {one.number for one in named.lines}
    lines = FileLine.objects.filter(file_id=file.pk, set=2)
    assert {one.pk[1] for one in lines.filter(verdict="refused")} == refused
    assert verdicts(2) == {("refused", None, None), ("accepted", "012", None)}
    assert verdicts(*(set(controls) - {1, 2})) == {(None, None, None)}
    members = {one.member for one in own[1]}
    assert taken.verdicts["refused"] == len(members) + 1
    cases = Ticket.objects.filter(IS_OPEN)
    assert cases.filter(about_kind="carrier member").count() == 1
    body = cases.get(about_kind="carrier answer").body
    assert f"set {controls[1]} of file {file.pk} as a whole, {len(members)} members, code 012: …" in body
    taken = take(file, advice(*whole("TE", 0, "look")), hours=2)
    assert verdicts(*controls) == {("warned", "012", "look")}
    assert (taken.files, taken.unmatched) == ({file.pk: "reconciled"}, 0)
    assert not cases.filter(about_kind="carrier member").exists()
    unknown = [["OTI", "TA", "TN", file.reference, "", "", "", "", "", "9999"]]
    assert take(file, advice(*unknown), hours=3).unmatched == 1


def advice(*items):
    """An 824 about a file of ours."""
    head = [["ST", "824", "0001", "005010X186"], ["BGN", "11", "A1", "20251020"], ["N1", "41", "HMO"]]
    body = [*head, *items]
    lines = [
        f"ISA*00*          *00*          *ZZ*{'HMOBLUE':<15}*30*{'043210987':<15}*251020*0200*^*00501*000000009*0*T*:",
        "GS*AG*HMOBLUE*043210987*20251020*0200*9*X*005010X186",
        *("*".join(one) for one in body),
        f"SE*{len(body) + 1}*0001",
        "GE*1*9",
        "IEA*1*000000009",
    ]
    return "".join(f"{one}~" for one in lines).encode()


def test_silence_counts_only_where_the_layout_says_so(file, tmp_path):
    import msgspec

    take(file, ack(file, {1: "A", 2: "R"}))
    place = next(one for one in places_of(file) if one.set == 1)
    rows = report({"subscriber": place.family, "first": place.first_name, "status": "REJ"})
    take(file, rows)
    assert FileLine.objects.filter(file_id=file.pk, verdict="accepted").count() == 0
    silent = msgspec.structs.replace(LAYOUT, silence="accepted")
    agree(tmp_path / "out", tmp_path / "back", reports={"errors": silent})
    take(file, rows + b"\n")
    verdicts = dict(FileLine.objects.filter(file_id=file.pk).values_list("number", "verdict"))
    sets = dict(FileLine.objects.filter(file_id=file.pk).values_list("number", "set"))
    assert {verdict for number, verdict in verdicts.items() if sets[number] == 1} == {"accepted", "refused"}
    assert {verdict for number, verdict in verdicts.items() if sets[number] != 1} == {None}


def test_a_refusal_that_comes_back_opens_one_more_case(file):
    take(file, ack(file, group="A"))
    place = next(one for one in places_of(file) if one.is_subscriber)
    row = {"subscriber": place.family, "first": place.first_name, "code": "9"}
    cases = Ticket.objects.filter(about_kind="carrier member")
    for hours, (status, text, open_ones, all_of_them) in enumerate(
        [("REJ", "a", 1, 1), ("REJ", "b", 1, 1), ("OK", "c", 0, 1), ("REJ", "d", 1, 2), ("WARN", "e", 0, 2)]
    ):
        take(file, report({**row, "status": status, "text": text}), hours=hours)
        assert (cases.filter(done_at__isnull=True).count(), cases.count()) == (open_ones, all_of_them)


def test_what_a_report_refused_is_said_again_by_the_next_file(file, fresh_database):
    take(file, ack(file, group="A"))
    place = next(one for one in places_of(file) if not one.is_subscriber and one.places)
    row = {"subscriber": place.family, "first": place.first_name, "status": "REJ", "code": "9"}
    with pytest.raises(FileRefused, match="whom a report refused"):
        tell_again(fresh_database, file.pk, place.member, author="ann", words="corrected", now=BUILT)
    take(file, report(row))
    with pytest.raises(FileRefused, match="expected what was put right"):
        tell_again(fresh_database, file.pk, place.member, author="ann", words="", now=BUILT)
    before = set(viewing.told(fresh_database, [file.client_id], CODE).cover["member"])
    assert set(refused_lines(file.pk).select("member", "stands").rows()) == {(place.member, AGAIN)}
    assert tell_again(fresh_database, file.pk, None, author="ann", words="address", now=BUILT)
    assert set(refused_lines(file.pk)["stands"]) == {WAITS}
    after = viewing.told(fresh_database, [file.client_id], CODE)
    assert before - set(after.cover["member"]) == {place.member}
    again = built(fresh_database, file.client_id, now=BUILT + 30 * HOUR)
    said = FileLine.objects.filter(file_id=again.pk).exclude(line="")
    assert set(said.values_list("member", "action")) == {(place.member, "021")}
    filing.release(again.pk, author="ann", words="looked at", now=BUILT)
    filing.send(fresh_database, again.pk, now=BUILT, author="ann")
    take(again, ack(again, group="A", number=5), hours=40)
    assert set(viewing.told(fresh_database, [file.client_id], CODE).cover["member"]) == before
    assert set(refused_lines(file.pk)["stands"]) == {SINCE}
    with pytest.raises(FileRefused, match="found a later one"):
        tell_again(fresh_database, file.pk, place.member, author="ann", words="address", now=BUILT)


def test_answers_are_collected_set_aside_or_left(file, tmp_path):
    back = tmp_path / "back"
    (back / "1.ta1").write_bytes(ta1(file, "A"))
    (back / "2.999").write_bytes(ack(file, group="A"))
    (back / "3.bad").write_bytes(b"ISA*cut")
    came = answering.collect_all(connections["default"], author="night", now=BUILT + HOUR)[0, CODE]
    assert {name: one.kind for name, one in came.taken.items()} == {"1.ta1": "TA1", "2.999": "999"}
    assert "ask the sender for the whole file" in came.left["3.bad"]
    assert sorted(one.name for one in back.iterdir()) == ["3.bad", "done"]
    assert standing(file)[0] == "accepted"
    case = Ticket.objects.get(about_kind="carrier answer")
    assert "3.bad" in case.body
    again = answering.collect_all(connections["default"], author="night", now=BUILT + 2 * HOUR)[0, CODE]
    assert (dict(again.taken), set(again.left)) == ({}, {"3.bad"})
    assert Ticket.objects.filter(about_kind="carrier answer").count() == 1


def turned(data, number=None):
    """A file of ours as if the partner had sent it: its ends the other way round, under a number of its own."""
    head, rest = data.split(b"~", 1)
    parts = head.split(b"*")
    parts[5:7], parts[7:9] = parts[7:9], parts[5:7]
    told = b"*".join(parts) + b"~" + rest
    return told if number is None else told.replace(parts[13], b"%09d" % number)


def test_an_834_is_answered_once_under_our_numbers(file, tmp_path):
    data = turned(filing.content_of(file.pk))
    taken = take(file, data)
    reply = CarrierFile.objects.get(pk=taken.reply)
    assert (reply.kind, reply.state) == ("999", "released")
    told = read_acknowledgements(filing.content_of(reply.pk))
    sets = list(
        FileSet.objects.filter(file_id=file.pk).order_by("set").values_list("control_number", flat=True)
    )
    (group,) = told.groups
    assert (group.control_number, group.code) == (str(file.group), "A")
    assert [one.control_number for one in group.sets] == sets
    kinds = ControlNumber.objects.filter(file_id=reply.pk).values_list("kind", flat=True)
    assert sorted(kinds) == ["FA", "ISA"]
    assert take(file, data).reply == reply.pk
    broken = turned(filing.content_of(file.pk), 900).replace(b"INS*Y*18", b"INS*Y*ZZ", 1)
    worse = CarrierFile.objects.get(pk=take(file, broken).reply)
    (group,) = read_acknowledgements(filing.content_of(worse.pk)).groups
    first = group.sets[0]
    assert (group.code, first.code) == ("E", "E")
    assert [(one.level, one.at.segment, one.code) for one in first.findings] == [
        ("segment", "INS", "8"),
        ("element", "INS", "7"),
    ]
    assert filing.send(connections["default"], worse.pk, now=BUILT, author="ann") == "sent"


def test_an_834_with_a_wrong_envelope_is_refused_by_a_ta1_of_ours(file):
    own = filing.content_of(file.pk)
    data = turned(own)
    head, end = data[:-20], data[-20:]
    assert b"IEA*1*" in end
    cases = {
        "021": head + end.replace(b"IEA*1*", b"IEA*7*"),
        "001": head + end[:-3] + b"77~",
        "023": head + end[: end.index(b"IEA")],
        "009": own,  # for somebody else
        "006": data.replace(b"HMOBLUE", b"HMOGREY", 1),
    }
    for note, broken in cases.items():
        taken = take(file, broken)
        answer = CarrierFile.objects.get(pk=taken.reply)
        assert (answer.kind, answer.state, answer.group) == ("TA1", "released", None)
        told = read_acknowledgements(filing.content_of(answer.pk))
        assert [(one.control_number, one.code, one.note) for one in told.envelopes] == [
            (f"{file.interchange:09d}", "R", note)
        ]
        assert take(file, broken).reply == answer.pk
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier answer").count() == len(cases)
    with pytest.raises(X12Refused, match="never ends"):
        take(file, ta1(file, "A")[:-20])


def test_an_834_under_a_number_used_before_is_refused_and_nothing_of_it_taken(file):
    data = turned(filing.content_of(file.pk), 7)
    first = take(file, data).reply
    assert take(file, data).reply == first, "the very same file is no repetition"
    other = data.replace(b"INS*Y*18*", b"INS*Y*ZZ*", 1)
    taken = take(file, other, hours=2)
    assert "found 000000007 again" in taken.words[0]
    answer = CarrierFile.objects.get(pk=taken.reply)
    told = read_acknowledgements(filing.content_of(answer.pk))
    assert [(one.control_number, one.code, one.note) for one in told.envelopes] == [("000000007", "R", "025")]
    assert take(file, other, hours=3).reply == answer.pk
    assert CarrierFile.objects.filter(kind="999").count() == 1
    assert Ticket.objects.filter(IS_OPEN, about_kind="carrier answer").count() == 1
    production = data.replace(b"*T*", b"*P*", 1)
    assert CarrierFile.objects.get(pk=take(file, production).reply).kind == "999"
    assert Received.objects.count() == 2


def test_rows_are_seen_by_whose_they_are(file, fresh_database):
    take(file, ack(file, {1: "R"}, found={1: [at("INS", places_of(file)[0].first)]}))
    tables = (CarrierFile, FileAct, FileSet, FileLine, Answer, AnswerLine)
    with fresh_database.cursor() as cursor:
        for clients, is_seen in (((file.client_id,), True), ((file.client_id + 1,), False)):
            with acting(fresh_database, Rights(user_id=1, reads=clients, writes=clients)):
                cursor.execute(f"SET LOCAL ROLE {FACE}")
                assert all(one.objects.exists() == is_seen for one in tables)
                if not is_seen:
                    with pytest.raises(filing.FileMissing):
                        filing.content_of(file.pk)
                    with pytest.raises(filing.FileMissing):
                        filing.withdraw(file.pk, author="x", words="x", now=BUILT)
        with acting(fresh_database, Rights(user_id=1, reads=(file.client_id,), persons=(1,))):
            cursor.execute(f"SET LOCAL ROLE {FACE}")
            assert not any(one.objects.exists() for one in tables)
