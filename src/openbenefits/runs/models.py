"""Runs, their ledger, and what became of every person in scope."""

from django.db import models

from openbenefits.events.models import EventKey


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
    state = models.TextField()  # running, done, held, taken back
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    started_by = models.TextField()
    releases = models.JSONField(default=dict)  # set-up release per bundle, as used

    class Meta:
        indexes = [  # every preparation asks whether there is any, among runs that become ever more
            models.Index(
                fields=["bundle_client"], condition=models.Q(state="taken back"), name="runs_taken_back"
            ),
        ]


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


class RunAct(models.Model):
    """What a person did about a run: released it, or took it back. Append-only.

    Where the client asks for a second person, the author is not who started the run; the database refuses it.
    """

    pk = models.CompositePrimaryKey("run_id", "number")
    run_id = models.BigIntegerField()
    number = models.IntegerField()
    kind = models.TextField()  # release, take_back
    reason = models.TextField()
    author = models.TextField()
    prepared_by = models.TextField()  # who started the run
    needs_second = models.BooleanField()
    found = models.JSONField(default=dict)  # what was released: the measures as they were looked at
    acted_at = models.DateTimeField()


class EventBefore(EventKey):
    """Where an event stood before a run moved it; of one the run made, that it was not there.

    What a run is taken back to.
    """

    pk = models.CompositePrimaryKey(
        "client_id", "run_id", "person_id", "benefit_record", "schedule_id", "event_number"
    )
    run_id = models.BigIntegerField()
    is_new = models.BooleanField()
    event_on = models.DateField()
    event_status = models.TextField()
    process_status = models.TextField(null=True)
    process_indicator = models.TextField()
    finalize_requested = models.BooleanField()
    is_finalized = models.BooleanField()
    is_multi_activity = models.BooleanField()
    program_id = models.IntegerField(null=True)
    preparation = models.IntegerField()
    input_fingerprint = models.BigIntegerField(null=True)
    window_begins_on = models.DateField(null=True)
    window_ends_on = models.DateField(null=True)
    is_out_of_sequence = models.BooleanField()
    is_eligibility_changed = models.BooleanField()
    address_changed_on = models.DateField(null=True)
    job_changed_on = models.DateField(null=True)
    jobs_changed_on = models.DateField(null=True)
    person_changed_on = models.DateField(null=True)
    disconnected_on = models.DateField(null=True)
    out_of_sequence_on = models.DateField(null=True)
    program_kept_on = models.DateField(null=True)
    steps = models.IntegerField()


class MessageBefore(EventKey):
    """A message that stood before a run looked at its event again."""

    pk = models.CompositePrimaryKey(
        *("client_id", "run_id", "person_id", "benefit_record", "schedule_id", "event_number"),
        *("written_in", "number"),
    )
    run_id = models.BigIntegerField()
    written_in = models.BigIntegerField()  # the run that wrote it
    number = models.IntegerField()


class ListedPerson(models.Model):
    """Somebody put on the participant list of a schedule, or taken off: append-only; the last word counts."""

    pk = models.CompositePrimaryKey("client_id", "schedule_id", "person_id", "number")
    client_id = models.IntegerField()
    schedule_id = models.IntegerField()
    person_id = models.BigIntegerField()
    number = models.IntegerField()  # counts the acts about this person and schedule
    is_listed = models.BooleanField()
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()
