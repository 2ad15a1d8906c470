"""Forms of casework: what a ticket is, who gets it, what of it changes."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.casework.codes import ENDS, WITHDRAWN, Priority, Status
from openbenefits.casework.listing import category_names
from openbenefits.casework.models import Queue, TeamRole, Ticket, TicketType
from openbenefits.casework.orders import ChangeOrder
from openbenefits.casework.people import people_for
from openbenefits.casework.rules.assigning import Assignee
from openbenefits.workbench.casework import words
from openbenefits.workbench.forms import DayInput
from openbenefits.workforce.models import Person

Choices = list[Any]


def chosen(names: Mapping[Any, Any], blank: Any = None) -> Choices:
    """Answer what one chooses from, with nothing chosen first where that is possible."""
    first = [] if blank is None else [("", blank)]
    return [*first, *names.items()]


def types(blank: Any = None) -> Choices:
    """Answer the types that are offered, by category."""
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in category_names()}
    for one in TicketType.objects.filter(is_off=False).order_by("name"):
        groups.setdefault(one.category, []).append((f"{one.category}/{one.code}", one.name))
    names = category_names()
    listed: Choices = [(names.get(category, category), kinds) for category, kinds in groups.items() if kinds]
    return listed if blank is None else [("", blank), *listed]


def assignees(client_ids: Iterable[int], blank: Any = None) -> Choices:
    """Answer to whom tickets of some clients may be given: users, roles of the team, queues."""
    users = [(f"user:{number}", name) for number, name in people_for(client_ids).items()]
    roles = TeamRole.objects.filter(is_off=False).order_by("name").values_list("code", "name")
    queues = Queue.objects.filter(is_off=False).order_by("name").values_list("code", "name")
    listed: Choices = [
        (say("Users"), users),
        (say("Roles of the client's team"), [(f"role:{code}", name) for code, name in roles]),
        (say("Queues"), [(f"queue:{code}", name) for code, name in queues]),
    ]
    return listed if blank is None else [("", blank), *listed]


def read_assignee(said: str) -> Assignee:
    """Read to whom a ticket is to go, as `assignees` writes it."""
    kind, _colon, value = said.partition(":")
    if kind == "user":
        return Assignee(user_id=int(value))
    return (
        Assignee(role=value) if kind == "role" else Assignee(queue=value) if kind == "queue" else Assignee()
    )


def written_assignee(ticket: Ticket) -> str:
    """Write who has a ticket, as `assignees` does."""
    if ticket.assignee_id is not None:
        return f"user:{ticket.assignee_id}"
    return f"queue:{ticket.queue}" if ticket.queue else ""


class NewForm(forms.Form):
    """A ticket to be opened."""

    form = forms.ChoiceField(label=_("What it is"), choices=chosen(words.FORMS))
    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(
        label=_("What is to be done"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 5})
    )
    type = forms.ChoiceField(label=_("Type"))
    priority = forms.ChoiceField(
        label=_("Priority"), required=False, choices=chosen(words.PRIORITIES, _("as the type has it"))
    )
    assigned = forms.ChoiceField(label=_("Assigned to"), required=False)
    due_on = forms.DateField(
        label=_("Due"), required=False, widget=DayInput(), help_text=_("Empty: as the type has it.")
    )
    person = forms.CharField(
        label=_("Employee it is about"), required=False, max_length=40, help_text=_("The employee's number.")
    )
    about = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)

    def __init__(self, client_id: int, *said: Any, **how: Any) -> None:
        super().__init__(*said, **how)
        self.client_id = client_id
        self.fields["type"].choices = types()  # type: ignore[attr-defined]
        self.fields["assigned"].choices = assignees([client_id], _("as the type has it"))  # type: ignore[attr-defined]

    def clean_person(self) -> int | None:
        """Find the employee.

        Errors: ValidationError.
        """
        number = self.cleaned_data["person"].strip()
        if not number:
            return None
        found = Person.objects.filter(client_id=self.client_id, employee_number=number).first()
        if found is None:
            raise forms.ValidationError(say("Expected the number of an employee of this client, found none."))
        return int(found.pk)


class ChangeForm(forms.Form):
    """What of a ticket changes."""

    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(
        label=_("What is to be done"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 5})
    )
    type = forms.ChoiceField(label=_("Type"))
    priority = forms.ChoiceField(label=_("Priority"), choices=chosen(words.PRIORITIES))
    start_on = forms.DateField(label=_("Start"), widget=DayInput())
    due_on = forms.DateField(label=_("Due"), required=False, widget=DayInput())
    owner = forms.ChoiceField(label=_("Owner"), required=False, help_text=_("Answers for it."))
    notify = forms.MultipleChoiceField(
        label=_("Told of changes beside"), required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)

    def __init__(self, ticket: Ticket, *said: Any, **how: Any) -> None:
        kind = f"{ticket.category}/{ticket.kind}"
        initial = {
            "type": kind,
            "owner": ticket.owner_id or "",
            "notify": ticket.notify,
            **{name: getattr(ticket, name) for name in ("subject", "body", "priority", "start_on", "due_on")},
        }
        super().__init__(*said, initial=initial, **how)
        known = types()
        if not any(kind == code for _, listed in known for code, _ in listed):
            known.append((ticket.category, [(kind, ticket.kind or ticket.category)]))
        people = people_for([ticket.client_id])
        fields: Any = self.fields
        fields["type"].choices = known
        fields["owner"].choices = chosen(people, _("nobody"))
        fields["notify"].choices = chosen(people)

    def order(self) -> ChangeOrder:
        """Answer what changes."""
        said = self.cleaned_data
        category, _slash, kind = said["type"].partition("/")
        return ChangeOrder(
            subject=said["subject"],
            body=said["body"].strip(),
            category=category,
            kind=kind,
            priority=Priority(said["priority"]),
            start_on=said["start_on"],
            due_on=said["due_on"],
            owner=int(said["owner"]) if said["owner"] else None,
            notify=tuple(map(int, said["notify"])),
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a ticket that is due before it starts."""
        said = super().clean() or {}
        start, due = said.get("start_on"), said.get("due_on")
        if start and due and due < start:
            self.add_error("due_on", say("Expected a day from the start on, found one before it."))
        return said


class AssignForm(forms.Form):
    """Who gets a ticket."""

    assigned = forms.ChoiceField(label=_("Assigned to"))

    def __init__(self, ticket: Ticket, *said: Any, **how: Any) -> None:
        super().__init__(*said, initial={"assigned": written_assignee(ticket)}, **how)
        self.fields["assigned"].choices = assignees([ticket.client_id], _("choose"))  # type: ignore[attr-defined]


class CommentForm(forms.Form):
    """What somebody says."""

    comment = forms.CharField(label=_("Comment"), max_length=10_000, widget=forms.Textarea({"rows": 3}))


class AnswerForm(forms.Form):
    """What the employee is answered."""

    answer = forms.CharField(
        label=_("Answer"),
        max_length=10_000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("The employee reads it in the portal."),
    )


class FileForm(forms.Form):
    """A file put to a ticket."""

    file = forms.FileField(label=_("File"), help_text=_("PDF, JPEG, PNG, XLSX, CSV or TXT, at most 10 MB."))


class NarrowForm(forms.Form):
    """What a list is narrowed to."""

    text = forms.CharField(label=_("Subject or number"), required=False, max_length=100)
    form = forms.ChoiceField(
        label=_("What it is"), required=False, choices=chosen(words.FORMS, _("tasks and cases"))
    )
    whose = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("", _("everybody's")), ("mine", _("mine")), ("nobody", _("nobody's"))],
    )
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=chosen(words.STATUSES, _("every open one"))
    )
    priority = forms.ChoiceField(
        label=_("Priority"), required=False, choices=chosen(words.PRIORITIES, _("every"))
    )
    due = forms.ChoiceField(label=_("Due"), required=False, choices=chosen(words.DUE, _("whenever")))
    category = forms.ChoiceField(label=_("Category"), required=False)
    queue = forms.ChoiceField(label=_("Queue"), required=False)
    done = forms.ChoiceField(
        label=_("Done"),
        required=False,
        choices=[("", _("open")), ("done", _("done")), ("both", _("open and done"))],
    )

    def __init__(self, *said: Any, **how: Any) -> None:
        super().__init__(*said, **how)
        fields: Any = self.fields
        fields["category"].choices = chosen(category_names(), _("every"))
        queues = Queue.objects.order_by("name").values_list("code", "name")
        fields["queue"].choices = chosen(dict(queues), _("every"))


TO = {
    "begun": _("In progress"),
    "done": _("Complete, or resolved"),
    "withdrawn": _("Cancelled, or closed"),
}
STATUS_OF: dict[str, Any] = {"begun": Status.IN_PROGRESS, "done": ENDS, "withdrawn": WITHDRAWN}
"""What each of them is for a task, and for a case."""


MARKED = {"yes": _("deleted once it is done"), "no": _("kept")}


class BulkForm(forms.Form):
    """What is done with many tickets at once: whatever is filled in."""

    status = forms.ChoiceField(label=_("Status"), required=False, choices=chosen(TO, _("stays")))
    priority = forms.ChoiceField(
        label=_("Priority"), required=False, choices=chosen(words.PRIORITIES, _("stays"))
    )
    assigned = forms.ChoiceField(label=_("Assigned to"), required=False)
    due_on = forms.DateField(label=_("Due"), required=False, widget=DayInput())
    marked = forms.ChoiceField(
        label=_("Of tasks: what is done is"), required=False, choices=chosen(MARKED, _("stays"))
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)

    def __init__(self, client_ids: Iterable[int], *said: Any, **how: Any) -> None:
        super().__init__(*said, **how)
        fields: Any = self.fields
        fields["assigned"].choices = assignees(client_ids, _("stays"))

    def order(self) -> ChangeOrder:
        """Answer what changes."""
        said, changed = self.cleaned_data, {}
        if said["status"]:
            changed["status"] = STATUS_OF[said["status"]]
        if said["priority"]:
            changed["priority"] = Priority(said["priority"])
        if said["assigned"]:
            changed["assigned"] = read_assignee(said["assigned"])
        if said["due_on"]:
            changed["due_on"] = said["due_on"]
        if said["marked"]:
            changed["is_marked"] = said["marked"] == "yes"
        return ChangeOrder(**changed)

    def clean(self) -> dict[str, Any]:
        """Refuse a form that changes nothing."""
        said = super().clean() or {}
        if not self.errors and not any(
            said.get(name) for name in ("status", "priority", "assigned", "due_on", "marked")
        ):
            raise forms.ValidationError(say("Expected something to change, found nothing; fill in a field."))
        return said
