"""Activity, events, their steps, and messages: the batch tables of the event machine.

Natural keys that begin with `client_id`, no foreign keys, no further index (design §3). The migration
adds the triggers that refuse illegal moves of the process and event status.
"""

from django.db import models


class Activity(models.Model):
    """A trigger waiting to become an event; it keeps a link to the event that consumed it."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "event_on", "source", "bas_action", "sequence"
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    event_on = models.DateField()
    source = models.TextField()  # core.codes.ActionSource
    bas_action = models.TextField()  # '' = the default class decides
    sequence = models.SmallIntegerField(default=0)
    job_number = models.SmallIntegerField(null=True)
    reported_on = models.DateField(null=True)
    change_id = models.BigIntegerField(null=True)  # the fact change behind it, if one
    schedule_id = models.IntegerField(null=True)  # set when consumed
    event_number = models.IntegerField(null=True)
    run_id = models.BigIntegerField(null=True)  # the run that found it due: a passive event


class ActivityAct(models.Model):
    """What somebody did about an activity: entered it, deleted or admitted it, recorded its proof.

    Append-only; the activity a deletion or an admission names is the latest word about it.
    """

    pk = models.CompositePrimaryKey(
        *(
            "client_id",
            "person_id",
            "benefit_record",
            "event_on",
            "source",
            "bas_action",
            "sequence",
            "number",
        )
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    event_on = models.DateField()
    source = models.TextField()
    bas_action = models.TextField()
    sequence = models.SmallIntegerField()
    number = models.IntegerField()
    kind = models.TextField()  # core.codes.ActivityActKind
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class EventKey(models.Model):
    """What identifies an event: schedule, participant, benefit record, number."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    schedule_id = models.IntegerField()
    event_number = models.IntegerField()  # 0 for open enrolment and snapshot

    class Meta:
        abstract = True


class Event(EventKey):
    """One event of one participant and benefit record, and where it stands."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    event_class_id = models.IntegerField()
    event_on = models.DateField()
    priority = models.SmallIntegerField()
    source = models.TextField()
    reported_on = models.DateField(null=True)
    recorded_on = models.DateField(null=True)  # when the activity came to be known
    is_multi_activity = models.BooleanField(default=False)
    event_status = models.TextField(default="C")
    process_status = models.TextField(null=True)  # null: scheduled, nothing decided yet
    status_at = models.DateTimeField()
    process_indicator = models.TextField(default="N")
    finalize_requested = models.BooleanField(default=False)
    is_finalized = models.BooleanField(default=False)  # by an order that let defaults answer what was open
    program_id = models.IntegerField(null=True)
    preparation = models.IntegerField(default=0)  # which preparation's options hold; 0 = none yet
    input_fingerprint = models.BigIntegerField(null=True)  # facts, set-up and coverage it was prepared from
    window_begins_on = models.DateField(null=True)
    window_ends_on = models.DateField(null=True)  # last day on which elections are taken
    option_notified_on = models.DateField(null=True)
    elected_on = models.DateField(null=True)  # first receipt of an election
    elect_source = models.TextField(null=True)
    confirm_notified_on = models.DateField(null=True)
    forms = models.TextField(null=True)  # which letters it prints; null: as its class says
    is_out_of_sequence = models.BooleanField(default=False)
    is_eligibility_changed = models.BooleanField(default=False)
    address_changed_on = models.DateField(null=True)  # the days on which the flags were set; null: it is not
    job_changed_on = models.DateField(null=True)
    jobs_changed_on = models.DateField(null=True)  # of several of the benefit record
    person_changed_on = models.DateField(null=True)  # personal facts, dependents, life events
    disconnected_on = models.DateField(null=True)
    out_of_sequence_on = models.DateField(null=True)
    program_kept_on = models.DateField(null=True)  # since when it keeps its program (process indicator P)
    steps = models.IntegerField(default=0)  # how many EventStep rows it has


class WindowAct(EventKey):
    """Somebody let the window of an event end later: append-only."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "number"
    )
    number = models.IntegerField()
    kind = models.TextField()  # core.codes.WindowActKind
    ended_on = models.DateField()  # the last day before the act
    ends_on = models.DateField()  # … and after it, always later
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class ControlAct(EventKey):
    """Somebody changed what steers the processing of an event: append-only."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "number"
    )
    number = models.IntegerField()
    control = models.TextField()  # core.codes.Control
    was = models.TextField()  # as text; '' = nothing
    became = models.TextField()
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class EventStep(EventKey):
    """One move of an event's status: append-only history."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "step"
    )
    step = models.IntegerField()
    run_id = models.BigIntegerField(null=True)
    actor = models.TextField()
    from_status = models.TextField(null=True)
    to_status = models.TextField(null=True)
    event_status = models.TextField()
    cause = models.TextField()
    moved_at = models.DateTimeField()


class Message(EventKey):
    """What stands in the way of an event, or should be known about it. Data holds no personal data."""

    pk = models.CompositePrimaryKey(
        "client_id", "run_id", "person_id", "benefit_record", "schedule_id", "event_number", "number"
    )
    run_id = models.BigIntegerField()
    number = models.IntegerField()
    code = models.TextField()  # core.messages.CATALOGUE
    severity = models.TextField()
    plan_type = models.TextField(null=True)
    option_id = models.IntegerField(null=True)
    dependent_id = models.BigIntegerField(null=True)
    expected = models.TextField()
    found = models.TextField()
    is_current = models.BooleanField(default=True)  # false once a later run has looked again


class StatusMove(models.Model):
    """The legal moves of the process status, as data the trigger reads."""

    pk = models.CompositePrimaryKey("from_status", "to_status")
    from_status = models.TextField()  # '' = not processed yet
    to_status = models.TextField()
    cause = models.TextField()
    source = models.TextField()
