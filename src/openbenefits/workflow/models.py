"""Channels and their versions, what they made, what they looked at, and what could not be done."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Channel(models.Model):
    """A channel of a client, or of the PEO (client 0) for all its clients; its items are in its versions."""

    client_id = models.IntegerField()
    code = models.TextField()
    name = models.TextField()
    playbook = models.TextField(default="")  # the playbook it belongs to; '' = none
    kinds = ArrayField(models.TextField(), default=list)  # what the published version watches
    published = models.IntegerField(null=True)  # the version that runs; null: none, it never runs
    is_health = models.BooleanField(default=False)  # what it says is health data: so are its log and tickets

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "code"], name="workflow_one_channel")]


class ChannelVersion(models.Model):
    """A channel as somebody wrote it; once published it never changes (a trigger refuses it)."""

    client_id = models.IntegerField()
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="versions")
    version = models.IntegerField()
    document = models.JSONField()  # workflow.channels.Channel
    author = models.TextField()
    written_at = models.DateTimeField()
    published_by = models.TextField(default="")
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "version"], name="workflow_one_version")]


class Outbox(models.Model):
    """Records changed: written by triggers in the very transaction that changed them; no face reads it.

    One row for each kind of record and statement, and so for each kind and partition of a run; those of one
    transaction are looked at together.
    """

    client = models.IntegerField()  # not client_id: the table is closed to faces
    kind = models.TextField()
    operation = models.TextField()  # insert, update
    pipeline = models.TextField()  # core.pipelines.Pipeline
    keys = ArrayField(models.TextField())
    known_at = models.DateTimeField(null=True)  # since when the change is known; null: nothing says it
    change = models.TextField()  # the transaction
    depth = models.SmallIntegerField()  # how many channels stand behind the change
    user_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    state = models.TextField(default="waiting")  # waiting, done, dead
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["change", "kind", "client"], name="workflow_together")]


class PastRow(models.Model):
    """A row as it was until it was changed or deleted, written by triggers (`triggers.keep`)."""

    client_id = models.IntegerField()
    of_table = models.TextField()
    row_id = models.BigIntegerField()
    until = models.DateTimeField()  # the moment of the statement that changed it
    was = models.JSONField(null=True)  # its columns but files and documents; null: there was no such row
    pipeline = models.TextField()  # core.pipelines.Pipeline, of the change
    change = models.TextField()  # the transaction

    class Meta:
        indexes = [
            models.Index(fields=["of_table", "row_id", "until"], name="workflow_row_then"),
            models.Index(fields=["client_id", "of_table", "until"], name="workflow_rows_changed"),
        ]


class Keeping(models.Model):
    """A table whose past rows are kept, and since when."""

    of_table = models.TextField(primary_key=True)
    since = models.DateTimeField()


class Arrival(models.Model):
    """How changes of facts arrived that came neither by hand nor by a run; written by triggers."""

    client_id = models.IntegerField()
    kind = models.TextField()
    at = models.DateTimeField()  # since when they are known
    pipeline = models.TextField()  # core.pipelines.Pipeline

    class Meta:
        indexes = [models.Index(fields=["client_id", "kind", "at"], name="workflow_arrived")]


class Made(models.Model):
    """What an item of a channel made for a record, because of what: the same is never made twice."""

    client_id = models.IntegerField()
    channel_id = models.BigIntegerField()
    version = models.IntegerField()
    item = models.TextField()
    kind = models.TextField()
    key = models.TextField()
    person_id = models.BigIntegerField(null=True)
    cause = models.TextField()  # change 745, fire 2026-03-01, after task 12
    fire_on = models.DateField(null=True)
    depth = models.SmallIntegerField()
    made_kind = models.TextField()  # task, case, mail, letter, act
    made_key = models.TextField()
    made_on = models.DateField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "channel_id", "item", "key", "cause"], name="workflow_made_once"
            )
        ]
        indexes = [models.Index(fields=["client_id", "made_kind", "made_key"], name="workflow_made_what")]


class LogLine(models.Model):
    """What became of one record that a channel looked at."""

    client_id = models.IntegerField()
    channel_id = models.BigIntegerField()
    version = models.IntegerField()
    item = models.TextField()  # '' = the channel as a whole
    kind = models.TextField()
    key = models.TextField()
    person_id = models.BigIntegerField(null=True)
    cause = models.TextField()
    outcome = models.TextField()  # workflow.rules.outcomes.Outcome
    why = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="workflow_last_lines")]


class DeadLetter(models.Model):
    """What could not be done, and why: it waits until somebody orders it again, or drops it."""

    client_id = models.IntegerField()
    channel_id = models.BigIntegerField(null=True)  # null: records that could not be looked at
    version = models.IntegerField(null=True)
    item = models.TextField(default="")
    kind = models.TextField()
    key = models.TextField(default="")
    person_id = models.BigIntegerField(null=True)
    cause = models.TextField()
    depth = models.SmallIntegerField(default=0)
    user_id = models.BigIntegerField(null=True)
    day = models.DateField()
    fire_on = models.DateField(null=True)
    outbox_id = models.BigIntegerField(null=True)
    told = models.TextField()
    state = models.TextField(default="dead")  # dead, waiting (ordered again), done, dropped
    attempts = models.SmallIntegerField(default=1)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "state", "-id"], name="workflow_dead")]
