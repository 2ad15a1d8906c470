"""What joins us to the payroll platform: connections, who is who there, what was read, what was written."""

from django.db import models
from django.db.models import Q


class Connection(models.Model):
    """A platform, and as whom we come in there. Of client 0: for every client."""

    client_id = models.IntegerField()
    code = models.TextField(unique=True)
    base_url = models.TextField()
    sealed = models.BinaryField()  # PEO number, user and password
    reading = models.TextField(default="records")  # client.paging.Reading: what startpage counts
    made_by = models.TextField()
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Link(models.Model):
    """Which client of a platform a client of ours is, and how far its events were read."""

    client_id = models.IntegerField(unique=True)
    connection_id = models.BigIntegerField()
    external_id = models.TextField()
    subscription = models.TextField(default="")
    replay = models.TextField(default="")  # read on from here
    synced_at = models.DateTimeField(null=True)
    made_by = models.TextField()
    made_at = models.DateTimeField()


class Hint(models.Model):
    """The platform says that something of a client changed there; one waits for the worker at most."""

    client_id = models.IntegerField()
    received_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)  # when the worker went to read what changed

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id"], condition=Q(taken_at__isnull=True), name="platform_one_hint"
            )
        ]


class PersonLink(models.Model):
    """Which employee there one of ours is: found by number, or said by a person; never by a name."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    external_id = models.TextField()
    how = models.TextField()  # number, said
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "person_id"], name="platform_one_there"),
            models.UniqueConstraint(fields=["client_id", "external_id"], name="platform_one_here"),
        ]


class DependentLink(models.Model):
    """Which dependent there one of ours is: written by us, or found by first name and birth date."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    dependent_id = models.BigIntegerField()
    external_id = models.TextField()  # unique for its employee there

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "dependent_id"], name="platform_dependent_once"),
            models.UniqueConstraint(
                fields=["client_id", "person_id", "external_id"], name="platform_dependent_one_here"
            ),
        ]


class CodeLink(models.Model):
    """What a code of ours is called there, where it is not the same."""

    client_id = models.IntegerField()  # 0: for every client without its own
    kind = models.TextField()  # naming.CODE_KINDS
    ours = models.TextField()
    theirs = models.TextField()
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "kind", "ours"], name="platform_code_once")
        ]


class OutboundChange(models.Model):
    """Something to be written there: one record of one element, and how far it has come."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    element = models.TextField()  # elements.ELEMENTS
    key = models.TextField()  # which record of the element, as text
    wanted = models.JSONField()  # what it is to be, in the platform's words
    state = models.TextField(default="planned")  # outbound.State
    cause = models.TextField()  # why: an audit's row, an export, a person
    reason = models.TextField()
    author = models.TextField()
    attempts = models.IntegerField(default=0)
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    read_back_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField()  # not before
    told = models.TextField(default="")  # what it last came to
    differs = models.JSONField(default=list)  # fields that read back otherwise

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "element", "key"],
                condition=Q(state__in=["planned", "sent", "answered", "held"]),
                name="platform_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["client_id", "state"], name="platform_outbound_state"),
            models.Index(fields=["client_id", "-planned_at"], name="platform_outbound_last"),
        ]


class OutboundStep(models.Model):
    """The history of an outbound change; nobody changes a row."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    change_id = models.BigIntegerField(db_index=True)
    state = models.TextField()
    at = models.DateTimeField()
    told = models.TextField()


class InboundItem(models.Model):
    """Something read there that is to become, or became, a fact here."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    element = models.TextField()  # client, employee, pay
    external_id = models.TextField()
    content = models.BinaryField()  # sealed: the fields payroll owns, as they were read
    fingerprint = models.TextField()
    state = models.TextField(default="pending")  # inbound.State
    told = models.TextField(default="")
    read_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    change_id = models.BigIntegerField(null=True)  # workforce.ChangeSet

    class Meta:
        indexes = [models.Index(fields=["client_id", "state"], name="platform_inbound_state")]


class Look(models.Model):
    """One look at everything of a client there; audits are of the latest that ended well."""

    client_id = models.IntegerField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    pays_from = models.DateField()
    pays_through = models.DateField()
    told = models.TextField(default="")
    rows = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="platform_look_last")]


class Seen(models.Model):
    """What a look saw: a row of an element, its values as text. Names, SSNs and birth dates are not kept."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    look_id = models.BigIntegerField()
    element = models.TextField()
    content = models.TextField()  # JSON, by the fields of seen.ELEMENTS

    class Meta:
        indexes = [models.Index(fields=["client_id", "look_id", "element"], name="platform_seen_of")]


class Accepted(models.Model):
    """A difference that an audit finds and somebody accepts, for a named reason, until a day."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    audit = models.TextField()
    key = models.TextField()  # the row of the audit
    fingerprint = models.TextField()  # of both sides: another difference is not accepted by it
    ground = models.TextField()  # audits.accepting.GROUNDS
    reason = models.TextField()
    until = models.DateField()
    author = models.TextField()
    made_at = models.DateTimeField()
    second = models.TextField(default="")  # who agreed; a write-off counts from then on
    agreed_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "audit"], name="platform_accepted_of")]
        constraints = [
            models.CheckConstraint(condition=~Q(second=models.F("author")), name="platform_two_people")
        ]
