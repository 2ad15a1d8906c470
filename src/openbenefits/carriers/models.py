"""What each partner was told and answered: its agreement, files with their states, the view, worklists.

A partner is a carrier, an administrator or another receiver. Rows of client 0 belong to several clients: an
agreement of the PEO, or a file that holds people of many; what is about a person always names his client.
Contents are sealed: a file at rest is read only with the data key.
"""

from django.db import models


class PartnerVersion(models.Model):
    """A version of what is agreed with a partner (`partners.Partner`); the latest holds."""

    pk = models.CompositePrimaryKey("client_id", "code", "version")
    client_id = models.IntegerField()  # 0: the PEO agrees for all its clients
    code = models.TextField()
    version = models.IntegerField()
    document = models.JSONField()
    author = models.TextField()
    made_at = models.DateTimeField()


class PartnerValues(models.Model):
    """What an agreement of the PEO's has for one client: group, policy, division … Read by who sees him."""

    pk = models.CompositePrimaryKey("client_id", "code", "version", "client")
    client_id = models.IntegerField()  # 0: of a client nobody knows yet; his as soon as he comes (a trigger)
    code = models.TextField()  # PartnerVersion.code
    version = models.IntegerField()
    client = models.TextField()  # his code, by which the agreement names him
    values = models.JSONField()


class ControlNumber(models.Model):
    """A control number given out, once and for ever: of an interchange, a group, or a payment."""

    pk = models.CompositePrimaryKey("sender", "receiver", "kind", "number")
    sender = models.TextField()
    receiver = models.TextField()
    kind = models.TextField()  # ISA; or GS01: BE, RA, FA
    number = models.BigIntegerField()
    client_id = models.IntegerField()
    file_id = models.BigIntegerField()


class Received(models.Model):
    """An interchange of enrolment that a partner sent: its number counts once (TA105 = 025)."""

    pk = models.CompositePrimaryKey("sender", "receiver", "usage", "number")
    sender = models.TextField()  # ISA06
    receiver = models.TextField()  # ISA08
    usage = models.TextField()  # ISA15: T, P
    number = models.TextField()  # ISA13
    client_id = models.IntegerField()  # whose user, or folder, took it; 0: of several clients
    fingerprint = models.TextField()  # SHA-256 of the bytes: the very same file is no repetition
    received_at = models.DateTimeField()


class CarrierFile(models.Model):
    """A file for a partner: its content, and how far it has come (`rules.custody.FileState`)."""

    client_id = models.IntegerField()  # 0: it holds people of several clients
    partner = models.TextField()  # PartnerVersion.code
    partner_client = models.IntegerField()  # PartnerVersion.client_id
    version = models.IntegerField()  # of the agreement it was built under
    kind = models.TextField()  # 834, 820, file, portal
    purpose = models.TextField()  # 2 changes, 4 full, RX replace; '' where that says nothing
    environment = models.TextField()  # T test, P production
    as_of = models.DateField()
    known_at = models.DateTimeField()  # what was known then is in it
    reference = models.TextField()  # BGN02: the same for the same content sent again
    resends = models.BigIntegerField(null=True)  # the file whose refused sets it sends again
    file_name = models.TextField()
    fingerprint = models.TextField()  # SHA-256 of the content
    content = models.BinaryField()  # sealed
    said = models.BinaryField()  # sealed: the frames it was written from, people and lines (Arrow)
    state = models.TextField()
    since = models.DateTimeField()  # when it came to the state
    members = models.IntegerField()
    lines = models.IntegerField()
    interchange = models.BigIntegerField(null=True)  # ISA13
    group = models.BigIntegerField(null=True)  # GS06
    holds = models.JSONField(default=list)  # why it waits: code, words
    findings = models.JSONField(default=list)  # what validation found: rule, place, words; nothing personal
    built_at = models.DateTimeField()
    built_by = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "id"], name="carrier_file_client")]
        indexes = [models.Index(fields=["client_id", "partner", "built_at"], name="carrier_file_partner")]


class FileAct(models.Model):
    """What happened to a file: its history."""

    pk = models.CompositePrimaryKey("file_id", "number")
    client_id = models.IntegerField()
    file_id = models.BigIntegerField()
    number = models.IntegerField()
    state = models.TextField()
    words = models.TextField()
    author = models.TextField()
    made_at = models.DateTimeField()


class FileSet(models.Model):
    """A transaction set of a file, and what the 999 said of it."""

    pk = models.CompositePrimaryKey("file_id", "set")
    client_id = models.IntegerField()
    file_id = models.BigIntegerField()
    set = models.IntegerField()
    control_number = models.TextField()
    code = models.TextField(null=True)  # IK501; null: not named yet
    answered_at = models.DateTimeField(null=True)
    resent_by = models.BigIntegerField(null=True)  # the file that sends it again


class FileLine(models.Model):
    """A thing said of a person in a file, line by line: the links of the chain of custody."""

    pk = models.CompositePrimaryKey("file_id", "number")
    client_id = models.IntegerField()
    file_id = models.BigIntegerField()
    number = models.IntegerField()
    set = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    dependent_id = models.BigIntegerField(null=True)  # null: the employee
    subscriber = models.TextField()
    member = models.TextField()
    line = models.TextField()  # '' where only the person is told: a name, an address
    plan_type = models.TextField()
    action = models.TextField()
    kind = models.TextField()  # in words of rules.differences
    begins_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    plan = models.TextField(null=True)
    tier = models.TextField(null=True)
    schedule_id = models.IntegerField(null=True)  # the event whose posting it follows from; null: a take-over
    event_number = models.IntegerField(null=True)
    verdict = models.TextField(null=True)  # of the business report: accepted, refused, warned …
    code = models.TextField(null=True)  # the partner's, with words
    words = models.TextField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "person_id"], name="carrier_file_line_person")]


class ViewPerson(models.Model):
    """A person as a partner was last told and accepted."""

    pk = models.CompositePrimaryKey("client_id", "partner", "subscriber", "member")
    client_id = models.IntegerField()
    partner = models.TextField()
    subscriber = models.TextField()
    member = models.TextField()
    person_id = models.BigIntegerField()
    dependent_id = models.BigIntegerField(null=True)
    relationship = models.TextField(null=True)
    last_name = models.TextField(null=True)
    first_name = models.TextField(null=True)
    middle_name = models.TextField(null=True)
    suffix = models.TextField(null=True)
    birth_on = models.DateField(null=True)
    sex = models.TextField(null=True)
    ssn_sealed = models.BinaryField(null=True)
    address = models.TextField(null=True)
    marital_status = models.TextField(null=True)
    phone = models.TextField(null=True)
    email = models.TextField(null=True)
    status = models.TextField(null=True)
    disabled = models.TextField(null=True)
    annual_pay_cents = models.BigIntegerField(null=True)  # this and what follows: only where it is agreed
    weekly_hours_hundredths = models.IntegerField(null=True)
    tobacco = models.TextField(null=True)
    file_id = models.BigIntegerField()  # the file that last said so


class ViewLine(models.Model):
    """A span of coverage as a partner was last told and accepted."""

    pk = models.CompositePrimaryKey("client_id", "partner", "subscriber", "member", "line", "begins_on")
    client_id = models.IntegerField()
    partner = models.TextField()
    subscriber = models.TextField()
    member = models.TextField()
    line = models.TextField()
    begins_on = models.DateField()
    person_id = models.BigIntegerField()
    dependent_id = models.BigIntegerField(null=True)
    ends_on = models.DateField(null=True)  # the last day covered
    basis = models.TextField(null=True)
    plan = models.TextField(null=True)
    tier = models.TextField(null=True)
    amount_cents = models.BigIntegerField(null=True)
    provider = models.TextField(null=True)
    cause = models.TextField(null=True)
    end_cause = models.TextField(null=True)
    file_id = models.BigIntegerField()
    confirmed_at = models.DateTimeField(null=True)  # by a business report, never by a 999


class Answer(models.Model):
    """A file that came back: TA1, 999, a carrier's report, or a full 834 to compare with."""

    client_id = models.IntegerField()  # 0: of several clients
    partner = models.TextField()
    partner_client = models.IntegerField()
    kind = models.TextField()  # TA1, 999, report, 834
    file_name = models.TextField()
    fingerprint = models.TextField()
    content = models.BinaryField()  # sealed
    told = models.JSONField(default=dict)  # counts, in words
    taken_at = models.DateTimeField()
    taken_by = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner_client", "partner", "fingerprint"], name="carrier_answer_once"
            )
        ]


class AnswerLine(models.Model):
    """What an answer says: of a file, a set, a place in it, a member; matched with a file's line or not."""

    pk = models.CompositePrimaryKey("answer_id", "number")
    client_id = models.IntegerField()
    answer_id = models.BigIntegerField()
    number = models.IntegerField()
    file_id = models.BigIntegerField(null=True)  # null: no file of ours is meant
    set = models.IntegerField(null=True)
    line_number = models.IntegerField(null=True)  # FileLine.number
    person_id = models.BigIntegerField(null=True)
    segment = models.TextField(null=True)
    place = models.TextField(null=True)  # loop, position, element
    verdict = models.TextField()
    code = models.TextField(null=True)
    words = models.TextField()  # nothing personal


class PortalEntry(models.Model):
    """Something a person must enter at a partner's portal: frozen days, a partner without files, urgency."""

    client_id = models.IntegerField()
    partner = models.TextField()
    partner_client = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    dependent_id = models.BigIntegerField(null=True)
    line = models.TextField()
    kind = models.TextField()  # in words of rules.differences
    action = models.TextField()
    begins_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    plan = models.TextField(null=True)
    tier = models.TextField(null=True)
    reason = models.TextField()  # frozen, portal, urgent
    due_on = models.DateField()
    file_id = models.BigIntegerField(null=True)  # the build it was parted from; null: urgent
    is_net = models.BooleanField(default=True)  # false once nothing is left to say
    opened_at = models.DateTimeField()
    opened_by = models.TextField()
    done_at = models.DateTimeField(null=True)
    done_by = models.TextField(default="")
    call_reference = models.TextField(default="")  # what the partner gave as proof

    class Meta:
        indexes = [models.Index(fields=["client_id", "partner", "done_at"], name="carrier_portal_open")]
