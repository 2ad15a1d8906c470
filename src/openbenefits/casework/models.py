"""Tickets (tasks and cases) with all that is said and done about them, and the set-up they follow.

Rows of tickets are the staff's own (`store.isolation.OF_STAFF`). Set-up belongs to the PEO: client_id 0.
"""

from django.db import models
from django.db.models import Q

from openbenefits.casework.codes import DONE, Form

IS_OPEN = ~Q(status__in=sorted(str(one) for one in DONE))


class Ticket(models.Model):
    """Something a person has to do (task), or to see to its end (case); its id is the number people see."""

    client_id = models.IntegerField()  # 0: of the PEO itself
    person_id = models.BigIntegerField(null=True)  # whom it is about, where it is about one
    form = models.TextField()  # codes.Form
    subject = models.TextField()
    body = models.TextField(blank=True, default="")
    category = models.TextField()
    kind = models.TextField(blank=True, default="")  # TicketType.code
    priority = models.TextField()  # codes.Priority
    status = models.TextField(default="new")  # codes.Status
    is_health = models.BooleanField(default=False)  # only who may see health data sees it
    owner_id = models.BigIntegerField(null=True)  # a user: answers for it
    assignee_id = models.BigIntegerField(null=True)  # a user: does it
    role = models.TextField(blank=True, default="")  # of the client's team, for whom it is
    queue = models.TextField(blank=True, default="")  # where it waits for somebody to take it
    notify = models.JSONField(default=list)  # users told of it beside
    about_kind = models.TextField(blank=True, default="")  # the record that caused it
    about_key = models.TextField(blank=True, default="")  # its natural key
    cause = models.TextField(blank=True, default="")  # opening the same cause again answers this ticket
    start_on = models.DateField()
    due_on = models.DateField(null=True)
    opened_by = models.TextField()
    opened_by_id = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.TextField(blank=True, default="")
    level_1_at = models.DateTimeField(null=True)  # when it is escalated, if it is open then
    level_2_at = models.DateTimeField(null=True)
    stands_since = models.DateTimeField(null=True)  # it waits on somebody, or is done: its clock stands
    stood_seconds = models.IntegerField(default=0)  # of business time, before that
    escalated = models.SmallIntegerField(default=0)  # the level it has reached
    reminded = models.SmallIntegerField(default=0)  # 1: soon due, 2: overdue
    is_marked = models.BooleanField(default=False)  # of a task: it is deleted once it is done
    deleted_at = models.DateTimeField(null=True)  # since then nobody sees it; its cause opens no other

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "form", "cause"], condition=~Q(cause=""), name="casework_one_of_a_cause"
            )
        ]
        indexes = [
            models.Index(fields=["client_id", "due_on"], condition=IS_OPEN, name="casework_open"),
            models.Index(fields=["due_on"], condition=IS_OPEN, name="casework_open_of_all"),
            models.Index(fields=["form", "status", "-id"], name="casework_lane"),
            models.Index(fields=["assignee_id", "due_on"], condition=IS_OPEN, name="casework_of_assignee"),
            models.Index(fields=["queue", "due_on"], condition=IS_OPEN, name="casework_in_queue"),
            models.Index(fields=["level_1_at"], condition=IS_OPEN, name="casework_level_1"),
            models.Index(fields=["level_2_at"], condition=IS_OPEN, name="casework_level_2"),
            models.Index(fields=["about_kind", "about_key"], condition=IS_OPEN, name="casework_about"),
            models.Index(fields=["client_id", "person_id"], name="casework_of_person"),
            models.Index(fields=["client_id", "-id"], name="casework_of_client"),
            models.Index(
                fields=["id"], condition=Q(is_marked=True, deleted_at__isnull=True), name="casework_marked"
            ),
        ]


class TaskManager(models.Manager):
    """Only tasks."""

    def get_queryset(self) -> models.QuerySet:
        """Answer tasks."""
        return super().get_queryset().filter(form=Form.TASK)


class CaseManager(models.Manager):
    """Only cases."""

    def get_queryset(self) -> models.QuerySet:
        """Answer cases."""
        return super().get_queryset().filter(form=Form.CASE)


class Task(Ticket):
    """A ticket that is one thing to do."""

    objects = TaskManager()

    class Meta:
        proxy = True


class Case(Ticket):
    """A ticket that goes on until it is resolved."""

    objects = CaseManager()

    class Meta:
        proxy = True


class OfTicket(models.Model):
    """What every row about a ticket carries."""

    client_id = models.IntegerField()
    ticket_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        abstract = True


class Change(OfTicket):
    """One field of a ticket that changed: append-only. The same moment and author are one act."""

    author = models.TextField()
    user_id = models.BigIntegerField(null=True)
    field = models.TextField()
    before = models.TextField(blank=True, default="")
    after = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["client_id", "ticket_id", "id"], name="casework_history")]


class Comment(OfTicket):
    """What somebody said about a ticket: append-only."""

    author = models.TextField()
    user_id = models.BigIntegerField(null=True)
    body = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "ticket_id", "id"], name="casework_comments")]


class Attachment(OfTicket):
    """A file somebody put to a ticket; what is taken away keeps its line and loses its bytes."""

    author = models.TextField()
    user_id = models.BigIntegerField(null=True)
    name = models.TextField()
    media_type = models.TextField()
    size = models.IntegerField()
    content = models.BinaryField(null=True)  # sealed by store.secrets
    removed_by = models.TextField(blank=True, default="")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "ticket_id"], name="casework_attachments")]


class Notice(OfTicket):
    """Something people are to be told of a ticket: written by the act itself, sent by the worker."""

    happening = models.TextField()  # codes.Happening
    by_user_id = models.BigIntegerField(null=True)  # he knows
    told = models.JSONField(default=list)  # users to be told beside those who always are
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(sent_at__isnull=True), name="casework_to_tell"),
            models.Index(fields=["client_id", "ticket_id"], name="casework_notices"),
        ]


class Mail(OfTicket):
    """A mail to a user about a ticket, and what became of it: append-only."""

    user_id = models.BigIntegerField()
    fate = models.TextField()  # sent, failed
    told = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["client_id", "ticket_id"], name="casework_mails")]


class Told(OfTicket):
    """What a user is told of a ticket in the product itself: his own row, until he has seen it and after."""

    user_id = models.BigIntegerField()
    happenings = models.JSONField()  # codes.Happening, in order
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "-id"], name="casework_told_to"),
            models.Index(fields=["user_id"], condition=Q(seen_at__isnull=True), name="casework_unseen"),
        ]


class Inquiry(models.Model):
    """What an employee asks in the portal; a case of the staff answers it. The employee sees these rows."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    at = models.DateTimeField()
    subject = models.TextField()
    ticket_id = models.BigIntegerField(null=True)  # once the worker has opened the case
    closing = models.TextField(default="")  # what became of the mail that it is closed; '' while it goes on

    class Meta:
        indexes = [
            models.Index(fields=["client_id", "person_id", "-id"], name="casework_inquiry_of_person"),
            models.Index(fields=["id"], condition=Q(ticket_id__isnull=True), name="casework_inquiry_new"),
        ]


class InquiryWord(models.Model):
    """What the employee, or the staff, says about an inquiry; what is said stays."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    inquiry_id = models.BigIntegerField()
    at = models.DateTimeField()
    is_answer = models.BooleanField()  # the staff says it
    author = models.TextField()
    body = models.TextField()
    carried_at = models.DateTimeField(null=True)  # when the case heard of what the employee says
    mailed = models.TextField(default="")  # of an answer: what became of the mail about it; '' waits

    class Meta:
        indexes = [
            models.Index(fields=["inquiry_id", "id"], name="casework_inquiry_words"),
            models.Index(
                fields=["id"],
                condition=Q(carried_at__isnull=True, is_answer=False),
                name="casework_inquiry_unheard",
            ),
            models.Index(
                fields=["id"], condition=Q(is_answer=True, mailed=""), name="casework_answer_untold"
            ),
        ]


class Muted(models.Model):
    """A ticket of which a user wants to be told nothing."""

    client_id = models.IntegerField()
    ticket_id = models.BigIntegerField()
    user_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket_id", "user_id"], name="casework_muted_once")]


class Follower(models.Model):
    """A user who wants to be told of all tickets of some clients."""

    client_id = models.IntegerField()  # 0 where the scope is not one client
    user_id = models.BigIntegerField()
    scope = models.TextField()  # codes.Scope

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "scope", "client_id"], name="casework_follows_once")
        ]


# --- set-up -----------------------------------------------------------------------------------------------


class OfPeo(models.Model):
    """What every record of the set-up carries; what is switched off is not offered any more."""

    client_id = models.IntegerField(default=0)
    code = models.TextField(unique=True)
    name = models.TextField()
    is_off = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Department(OfPeo):
    """A part of the house, and who answers for it."""

    manager_id = models.BigIntegerField(null=True)


class Colleague(models.Model):
    """Where a user works in the house, who stands above him, who stands in for him."""

    client_id = models.IntegerField(default=0)
    user_id = models.BigIntegerField(unique=True)
    department = models.TextField(blank=True, default="")
    supervisor_id = models.BigIntegerField(null=True)
    backup_id = models.BigIntegerField(null=True)
    away_from = models.DateField(null=True)  # from and through: his backup gets what is new
    away_through = models.DateField(null=True)


class TeamRole(OfPeo):
    """A part somebody plays for a client: benefits specialist, payroll specialist, and so on."""

    department = models.TextField(blank=True, default="")


class TeamMember(models.Model):
    """Who plays a part for a client (0: wherever a client has nobody of its own)."""

    client_id = models.IntegerField()
    role = models.TextField()
    user_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "role"], name="casework_one_of_a_role")]


class Queue(OfPeo):
    """Where tickets wait for somebody to take them."""

    department = models.TextField(blank=True, default="")


class Category(OfPeo):
    """What tickets are about, coarsely."""


class TicketType(models.Model):
    """A type of ticket in a category: who gets it, who is told, how long it may take."""

    client_id = models.IntegerField(default=0)
    category = models.TextField()
    code = models.TextField()
    name = models.TextField()
    is_off = models.BooleanField(default=False)
    security = models.TextField(default="open")  # codes.Security
    priority = models.TextField(default="medium")  # codes.Priority
    department = models.TextField(blank=True, default="")
    assigns = models.TextField(default="creator")  # codes.Default
    assign_user_id = models.BigIntegerField(null=True)
    assign_role = models.TextField(blank=True, default="")
    assign_queue = models.TextField(blank=True, default="")
    backup_id = models.BigIntegerField(null=True)
    notified_role = models.TextField(blank=True, default="")
    level_1_role = models.TextField(blank=True, default="")
    level_2_role = models.TextField(blank=True, default="")
    due_days = models.SmallIntegerField(null=True)  # business days from the start
    reminder_days = models.SmallIntegerField(default=1)  # business days before it is due

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "code"], name="casework_type")]


class ServiceLevel(models.Model):
    """How many business hours tickets have until each level: of a type, a category, or all ('')."""

    client_id = models.IntegerField(default=0)
    category = models.TextField(blank=True, default="")
    kind = models.TextField(blank=True, default="")
    priority = models.TextField()
    hours_1 = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    hours_2 = models.DecimalField(max_digits=6, decimal_places=2, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["category", "kind", "priority"], name="casework_service_level")
        ]


class Cascade(models.Model):
    """What reaching a level does: of a type, a category, or all ('')."""

    client_id = models.IntegerField(default=0)
    category = models.TextField(blank=True, default="")
    kind = models.TextField(blank=True, default="")
    priority = models.TextField(blank=True, default="")  # '': whatever it is
    level = models.SmallIntegerField()  # 1, 2
    next_priority = models.TextField(blank=True, default="")  # '': stays
    next_role = models.TextField(blank=True, default="")  # who gets it; '': stays
    sends_mail = models.BooleanField(default=True)
    recipient = models.TextField(blank=True, default="")  # codes.Recipient
    recipient_role = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["category", "kind", "priority", "level"], name="casework_one_cascade"
            )
        ]


class Escalating(models.Model):
    """Whether tickets of a status are escalated."""

    client_id = models.IntegerField(default=0)
    form = models.TextField()
    status = models.TextField()
    is_excluded = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "status"], name="casework_one_escalating")]


class WorkingHours(models.Model):
    """When the house works. One row."""

    client_id = models.IntegerField(unique=True, default=0)
    zone = models.TextField(default="America/New_York")
    opens = models.TimeField()
    closes = models.TimeField()
    weekdays = models.TextField(default="12345")  # Monday is 1
    state = models.TextField(blank=True, default="")  # whose holidays are kept beside the federal ones


class SpecialDay(models.Model):
    """A day on which the house is closed beside holidays, or works although it is one."""

    client_id = models.IntegerField(default=0)
    on = models.DateField(unique=True)
    name = models.TextField()
    is_open = models.BooleanField(default=False)


class QuietHours(models.Model):
    """Hours in which a scheduled job does not run: for a client, or for everybody (0)."""

    client_id = models.IntegerField(default=0)
    job = models.TextField()  # codes.Job
    weekdays = models.TextField(default="1234567")  # on which the hours begin; Monday is 1
    begins = models.TimeField()  # of the clock of the house
    ends = models.TimeField()  # not after it began: on the next day


class Wording(models.Model):
    """How a client (0: the PEO) words a mail to who asked something, in a language."""

    client_id = models.IntegerField(default=0)
    mail = models.TextField()  # codes.AskerMail
    language = models.TextField()
    subject = models.TextField()
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "mail", "language"], name="casework_one_wording")
        ]
