"""What somebody did with events after the fact, and which people turned out to be one: append-only."""

from django.db import models

from openbenefits.events.models import EventKey


class RepairAct(EventKey):
    """One operation on one event: what, why, by whom, and where the event stood before."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "number"
    )
    number = models.IntegerField()  # counts the acts of the event
    kind = models.TextField()  # repair.kinds
    to_on = models.DateField(null=True)  # the new day
    to_record = models.SmallIntegerField(null=True)  # the new benefit record
    was_on = models.DateField()
    was_event_status = models.TextField()
    was_process_status = models.TextField(null=True)
    was_indicator = models.TextField(default="N")  # the process indicator
    was_kept_on = models.DateField(null=True)  # since when it kept its program
    was_finalized = models.BooleanField()
    undoes = models.IntegerField(null=True)  # the act of the same event that this one undoes
    run_id = models.BigIntegerField()
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class PersonMerge(models.Model):
    """Two person ids that are one human: the facts, events and coverage of one follow the other."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "number")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()  # who was merged into somebody
    number = models.IntegerField()  # counts the acts about this person
    survivor_id = models.BigIntegerField()
    is_merged = models.BooleanField()  # false: taken apart again
    change_id = models.BigIntegerField()  # the change of facts
    run_id = models.BigIntegerField()
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class MovedEvent(EventKey):
    """Where an event of somebody merged, or of another benefit record, went on."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "run_id"
    )
    run_id = models.BigIntegerField()
    to_person = models.BigIntegerField()
    to_record = models.SmallIntegerField()
    to_number = models.IntegerField()
    is_joined = models.BooleanField()  # the survivor had this event already: only elections came over
    was_event_status = models.TextField()


class TakeOverAct(models.Model):
    """One operation on coverage that was taken over: what, why, by whom."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "slot", "begins_on", "number")
    )
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    slot = models.SmallIntegerField()
    begins_on = models.DateField()  # of the coverage, as it was taken over
    number = models.IntegerField()  # counts the acts about it
    kind = models.TextField()  # redate, end, void, undo
    to_on = models.DateField(null=True)  # the new day, or the first day without it
    undoes = models.IntegerField(null=True)  # the act that this one undoes
    run_id = models.BigIntegerField()
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()


class PersonTransfer(models.Model):
    """An act: somebody left one client of the PEO for another, and is the same human: append-only.

    It stands as long as neither of its changes of facts was taken back.
    """

    pk = models.CompositePrimaryKey("client_id", "person_id", "number")
    client_id = models.IntegerField()  # where they were
    person_id = models.BigIntegerField()
    number = models.IntegerField()  # counts the transfers of the person id
    to_client = models.IntegerField()
    to_person = models.BigIntegerField()
    begins_on = models.DateField()  # the first day there
    keeps_service = models.BooleanField()  # service counts on from the client left
    left_change = models.BigIntegerField()  # the change of facts that ended the job
    came_change = models.BigIntegerField()  # the change of facts there
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()
