"""Tasks about entries of the work list: open while the entry is there, done when it is gone."""

from tests.review.test_work import AS_OF, LATER, work

from openbenefits.casework.models import Change, Ticket
from openbenefits.casework.services import Subject, TaskOrder, open_task
from openbenefits.review.closing import close_gone


def test_a_task_ends_with_the_entry_it_is_about(fresh_database, prepared):
    there = work(fresh_database, prepared)["Work"]["code"][0]
    about = {code: Subject(kind="work", key=code) for code in (there, "BA9999")}
    made = {
        code: open_task("t", TaskOrder(client_id=prepared.client_id, subject=code, about=subject), now=LATER)
        for code, subject in about.items()
    }
    assert close_gone(fresh_database, as_of=AS_OF, now=LATER) == 1
    assert close_gone(fresh_database, as_of=AS_OF, now=LATER) == 0
    states = {code: Ticket.objects.get(pk=one.pk).status for code, one in made.items()}
    assert states == {there: "new", "BA9999": "complete"}
    assert "no such entry" in Change.objects.get(ticket_id=made["BA9999"].pk, field="status").reason
