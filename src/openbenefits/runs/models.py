"""Runs, their ledger, and what became of every person in scope."""

from django.db import models


class Run(models.Model):
    """One execution of a run control (or of an order on demand)."""

    run_control = models.TextField(null=True)  # its code; null = on demand
    kind = models.TextField()  # process, passive, windows
    bundle_client = models.IntegerField(null=True)  # limited to one client; null = all of the schedule
    schedule_id = models.IntegerField(null=True)
    as_of = models.DateField()
    through_level = models.TextField()  # core.codes.Level
    is_finalizing = models.BooleanField(default=False)
    options = models.JSONField(default=dict)  # participant list, limits
    state = models.TextField()  # running, done, failed, stopped
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    started_by = models.TextField()
    releases = models.JSONField(default=dict)  # set-up release per bundle, as used


class RunPartition(models.Model):
    """A line of the ledger: a bin of participants, fixed when the run starts; done when committed."""

    pk = models.CompositePrimaryKey("run_id", "partition")
    run_id = models.BigIntegerField()
    partition = models.IntegerField()
    people = models.IntegerField()
    state = models.TextField()  # waiting, done, held
    waves = models.SmallIntegerField(null=True)
    committed_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)


class RunPerson(models.Model):
    """What a run did with one person in scope: picked up or not, and why (rulings §1.10)."""

    pk = models.CompositePrimaryKey("client_id", "run_id", "person_id", "benefit_record")
    client_id = models.IntegerField()
    run_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    partition = models.IntegerField()
    outcome = models.TextField(null=True)  # null until its partition is committed
    from_status = models.TextField(null=True)
    to_status = models.TextField(null=True)
