"""Reports that people keep, share, and have sent to them."""

from django.db import models


class SavedReport(models.Model):
    """A report somebody put together, kept under a name.

    What it may show is decided when it is read, by who reads it.
    """

    client_id = models.IntegerField()  # whose it is; 0: of the PEO, for all its clients
    user_id = models.BigIntegerField()  # who wrote it
    author = models.TextField()
    name = models.TextField()
    query = models.JSONField()  # adhoc.query.Query
    is_shared = models.BooleanField(default=False)  # with everybody who sees the client
    is_removed = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "user_id", "name"], name="adhoc_of_user")]


class ReportSchedule(models.Model):
    """Somebody has a report sent to him, from a day on."""

    client_id = models.IntegerField()
    report = models.ForeignKey(SavedReport, models.CASCADE)
    user_id = models.BigIntegerField()  # to whom, and with whose rights it runs
    every = models.TextField()  # adhoc.scheduling.Every
    next_on = models.DateField()
    attaches = models.BooleanField(default=False)  # the list itself, where the client allows it
    is_ended = models.BooleanField(default=False)
    made_at = models.DateTimeField()


class ReportSending(models.Model):
    """What became of a report that was due: append-only."""

    client_id = models.IntegerField()
    schedule = models.ForeignKey(ReportSchedule, models.CASCADE)
    due_on = models.DateField()
    rows = models.BigIntegerField(null=True)
    fate = models.TextField()  # sent, refused, failed
    told = models.TextField(default="")
    at = models.DateTimeField()
