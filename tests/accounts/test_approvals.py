"""What one prepares another approves: no service, and no SQL of a face or of the owner, goes around it."""

import pickle
import shutil
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connections
from tests.accounts.conftest import as_face
from tests.runs.conftest import NOW, put_enrolled

from openbenefits.accounts.approvals import (
    ApprovalKind,
    ApprovalRefused,
    ApprovalWanted,
    Matter,
    approve,
    pending_of,
    proposals_of,
    propose,
    refuse,
    withdraw,
)
from openbenefits.accounts.models import Proposal, User, Verdict
from openbenefits.accounts.roles import RoleCode
from openbenefits.accounts.services import NotAllowed, access_of, give_role, working
from openbenefits.core.codes import Level
from openbenefits.enrollment.models import EligibilityOverride
from openbenefits.enrollment.overrides import matter_of_override, override_eligibility
from openbenefits.events.models import Event
from openbenefits.programs import services as setup
from openbenefits.programs.models import Bundle, Release
from openbenefits.runs.acts import ActRefused, matter_of
from openbenefits.runs.models import Run, RunAct
from openbenefits.runs.orders import matter_of_order
from openbenefits.runs.services import run, trial
from openbenefits.runs.taking_back import take_back
from openbenefits.sample import SAMPLE_FOLDER

__all__ = ["as_face"]

LATER = NOW + timedelta(days=1)
WANTED = "second_person: {release: true, take_back: true, commit: true, finalize: true, override: true, setup: true}"
WHY = {"reason": "looked at", "now": LATER}


def folder_of(base, code, text):
    """Copy the client's set-up with one more file."""
    shutil.copytree(SAMPLE_FOLDER / "clients/harbor", base / code)
    (base / code / "wanted.yaml").write_text(text)
    return base / code


@pytest.fixture(scope="module")
def employer(database, tmp_path_factory):
    """A client that wants a second person for everything, with a wish for less that waits."""
    base = tmp_path_factory.mktemp("harbor")
    made = put_enrolled(base, code="harbor", people=12)
    folder_of(base, "strict", WANTED)
    folder_of(base, "lax", WANTED.replace("setup: true", "setup: false"))
    done = setup.apply(base / "strict", client_id=made.client_id, applied_by="test", now=NOW)
    assert done.release, done
    return made


@pytest.fixture(scope="module")
def users(employer):
    """Two specialists of the client."""
    made = [User.objects.create_user(name) for name in ("ann", "bob")]
    for one in made:
        give_role(one, employer.client_id, RoleCode.SPECIALIST, given_by="test", now=NOW)
    return made


@pytest.fixture
def both(users, database):
    return [access_of(connections["default"], one) for one in users]


def approved(ann, bob, matter):
    """Let one prepare and another approve."""
    return approve(bob, propose(ann, matter, reason="prepared", now=LATER), **WHY)


def finalizing(employer, **changes):
    return employer.order(is_finalizing=True, through=Level.ELECTIONS, as_of=date(2025, 11, 4), **changes)


def forged(employer, **changes):
    """A run as somebody would write it by hand."""
    given = {"kind": "process", "bundle_client": employer.client_id, "as_of": date(2025, 11, 9)}
    given |= {"through_level": "elections", "state": "running", "started_at": LATER, "started_by": "bob"}
    return Run(**(given | changes))


def test_another_user_approves_and_never_the_same(employer, both, as_face):
    ann, bob = both
    matter = Matter(
        client_id=employer.client_id, kind=ApprovalKind.OVERRIDE, key="event 1", parts=["7", None]
    )
    with working(as_face, ann):
        made = propose(ann, matter, reason="by phone", now=NOW)
        assert propose(ann, matter, reason="again", now=NOW).pk == made.pk
        with pytest.raises(ApprovalRefused, match="another person"):
            approve(ann, made, **WHY)
        with pytest.raises(ApprovalRefused, match="a reason"):
            propose(ann, matter, reason=" ", now=NOW)
    words = {"proposal": made, "client_id": made.client_id, "decided_at": LATER, "reason": "x"}
    for user, fault in ((ann, "another person approves"), (bob, "row-level security")):
        with pytest.raises(Exception, match=fault), working(as_face, ann):  # signed as oneself, or as another
            Verdict.objects.create(**words, outcome="approved", user_id=user.user_id)
    with pytest.raises(Exception, match="permission denied"), working(as_face, ann):
        Proposal.objects.update(user_id=bob.user_id)
    with working(as_face, bob):
        assert pending_of(employer.client_id, LATER)["prepared_by"].to_list() == ["ann"]
        with pytest.raises(ApprovalRefused, match="expired"):
            approve(bob, made, reason="late", now=made.expires_at)
        with pytest.raises(ApprovalRefused, match="who prepared it"):
            withdraw(bob, made, **WHY)
        approve(bob, made, **WHY)
        with pytest.raises(ApprovalRefused, match="is decided"):
            refuse(bob, made, **WHY)
        assert pending_of(employer.client_id, LATER).is_empty()
        told = proposals_of(employer.client_id, LATER).row(0, named=True)
        assert (told["state"], told["decided_by"]) == ("approved", "bob")


def test_the_owner_approves_nothing_of_his_own_and_changes_no_word(employer, both):
    ann, bob = both
    matter = Matter(client_id=employer.client_id, kind=ApprovalKind.COMMIT, key="run 0", parts=[])
    made = propose(ann, matter, reason="x", now=NOW)
    words = {"proposal": made, "decided_at": LATER, "reason": "x", "outcome": "approved"}
    with pytest.raises(IntegrityError, match="another person approves"):
        Verdict.objects.create(**words, client_id=made.client_id, user_id=ann.user_id)
    with pytest.raises(IntegrityError, match="of its proposal"):
        Verdict.objects.create(**words, client_id=made.client_id + 1, user_id=bob.user_id)
    withdraw(ann, made, **WHY)
    for change in (Proposal.objects.update, Verdict.objects.update):
        with pytest.raises(IntegrityError, match="kept as they were written"):
            change(reason="other")


def test_who_may_not_do_it_may_not_prepare_or_approve_it(employer, both, database):
    clerk = User.objects.create_user("clerk")
    give_role(clerk, employer.client_id, RoleCode.PAYROLL, given_by="test", now=NOW)
    matter = Matter(client_id=employer.client_id, kind=ApprovalKind.SETUP, key="bundle harbor", parts=["x"])
    access = access_of(database, clerk)
    with pytest.raises(NotAllowed):
        propose(access, matter, reason="x", now=NOW)
    with pytest.raises(NotAllowed):
        approve(access, propose(both[0], matter, reason="x", now=NOW), **WHY)


def test_set_up_is_put_into_force_once_another_approved_exactly_that(employer, both, as_face, database):
    ann, bob = both
    client = employer.client_id
    lax = employer.folder / "lax"
    with working(as_face, ann), pytest.raises(ApprovalWanted) as wanted:
        setup.apply(lax, client_id=client, applied_by="ann", now=LATER)
    told = pickle.loads(pickle.dumps(wanted.value))
    assert (told.matter, str(told)) == (wanted.value.matter, str(wanted.value)), "as a run's process tells it"
    first = Release.objects.using("default")
    with working(as_face, ann):
        older = first.filter(bundle__client_id=client).order_by("number").first()
        assert older is not None
    with pytest.raises(IntegrityError, match="set-up of bundle harbor"), working(as_face, ann):
        Bundle.objects.filter(client_id=client).update(release=older)
    with pytest.raises(IntegrityError, match="kept as it was applied"), working(as_face, ann):
        Release.objects.filter(bundle__client_id=client).update(document={})
    with working(as_face, ann), pytest.raises(ApprovalWanted):
        setup.take_back("harbor", by="ann", now=LATER)
    with working(as_face, ann):
        made = propose(ann, wanted.value.matter, reason="fewer rules", now=LATER)
    with working(as_face, bob):
        approve(bob, made, **WHY)
    with working(as_face, ann):
        assert setup.apply(lax, client_id=client, applied_by="ann", now=LATER).release.number == 3
    with working(as_face, ann):  # which no longer wants it of set-up
        assert setup.apply(employer.folder / "strict", client_id=client, applied_by="ann", now=LATER).release


def test_a_run_finalises_once_another_approved_exactly_that(employer, both, database):
    ann, bob = both
    order = finalizing(employer, started_by="ann")
    with pytest.raises(ApprovalWanted, match="schedule"):
        run(database, order, now=LATER)
    assert trial(database, order, now=LATER).people
    with pytest.raises(IntegrityError, match="approval by another person"):
        forged(employer, is_finalizing=True).save()
    approved(ann, bob, matter_of_order(finalizing(employer, people=[1])))
    with pytest.raises(ApprovalWanted):  # approved was less than that
        run(database, order, now=LATER)
    approved(ann, bob, matter_of_order(order))
    done = run(database, order, now=LATER)
    assert done.state == "done"
    with pytest.raises(ApprovalWanted):  # and not for ever
        run(database, order, now=LATER + timedelta(days=15))


def test_no_face_makes_a_run_that_finalises_or_changes_what_one_was_asked(employer, both, as_face):
    ann = both[0]
    with pytest.raises(IntegrityError, match="approval by another person"), working(as_face, ann):
        forged(employer, is_finalizing=True, started_by="ann").save()
    for change in ({"is_finalizing": True}, {"started_by": "bob"}):
        with working(as_face, ann):
            made = forged(employer, started_by="ann")
            made.save()
        with pytest.raises(IntegrityError, match="kept as it was"), working(as_face, ann):
            Run.objects.filter(pk=made.pk).update(**change)
    with working(as_face, ann):
        held = forged(employer, started_by="ann", state="held", ended_at=LATER)
        held.save()
    for state, fault in (("done", "released by a person"), ("taken back", "taken back by a person")):
        with pytest.raises(IntegrityError, match=fault), working(as_face, ann):
            Run.objects.filter(pk=held.pk).update(state=state)
    act = {"run_id": held.pk, "number": 1, "kind": "release", "reason": "x", "acted_at": LATER}
    forgeries = (
        ({"author": "ann", "prepared_by": "ann", "needs_second": False}, "another person than"),
        ({"author": "bob", "prepared_by": "ann", "needs_second": True}, "their own name"),
        ({"author": "ann", "prepared_by": "bob", "needs_second": True}, "has prepared it"),
        (
            {"author": "ann", "prepared_by": "bob", "needs_second": True, "kind": "commit"},
            "another person than",
        ),
    )
    for words, fault in forgeries:
        with pytest.raises(IntegrityError, match=fault), working(as_face, ann):
            RunAct.objects.create(**(act | words))


def test_who_ran_it_takes_it_back_once_another_approved(employer, both, database):
    ann, bob = both
    done = run(database, employer.order(started_by="ann", as_of=date(2025, 11, 5)), now=LATER)
    with pytest.raises(ActRefused, match="another person"):
        take_back(database, done.run_id, reason="mine", author="ann", now=LATER)
    approved(ann, bob, matter_of(Run.objects.get(pk=done.run_id), "take_back"))
    take_back(database, done.run_id, reason="mine", author="ann", now=LATER)
    act = RunAct.objects.get(run_id=done.run_id)
    assert (act.author, act.prepared_by, act.needs_second) == ("ann", "ann", True)


def test_eligibility_is_decided_once_another_approved_exactly_that(employer, both, as_face):
    ann, bob = both
    with working(as_face, ann):
        event = Event.objects.filter(client_id=employer.client_id, program_id__isnull=False).first()
    key = {
        name: getattr(event, name) for name in ("person_id", "benefit_record", "schedule_id", "event_number")
    }
    key["client_id"] = employer.client_id
    said = {
        "program": "STANDARD",
        "author": "ann",
        "reason": "agreed",
        "now": LATER,
        "is_decided_again": True,
    }

    def decide(is_eligible=True, **changes):
        with working(as_face, ann):
            return override_eligibility(as_face, **key, **(said | changes), is_eligible=is_eligible)

    program = program_of(as_face, employer, ann)
    said["program"] = program
    with pytest.raises(ApprovalWanted) as wanted:
        decide()
    with pytest.raises(IntegrityError, match="approval by another person"):
        decide(is_rehearsal=True)  # one that is kept after all
    forged_row = EligibilityOverride(
        **key,
        version=1,
        program_id=event.program_id,
        is_eligible=True,
        author="bob",
        reason="x",
        made_at=LATER,
    )
    with pytest.raises(IntegrityError, match="their own name"), working(as_face, ann):
        forged_row.save(force_insert=True)
    with working(as_face, ann):
        made = propose(ann, wanted.value.matter, reason="agreed", now=LATER)
    with working(as_face, bob):
        approve(bob, made, **WHY)
    with pytest.raises(ApprovalWanted):
        decide(is_eligible=False)
    assert decide().is_new
    assert matter_of_override(key, 1, None, None, "x").parts == ["1", None, None]


def program_of(connection, employer, access):
    from openbenefits.programs.frames import load_codes

    with working(connection, access):
        codes = load_codes(connection, employer.client_id, "program")
        return codes["code"][0]
