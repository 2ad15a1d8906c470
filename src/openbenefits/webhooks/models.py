"""What changed, who wants to know, and what became of telling them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Subscription(models.Model):
    """Where a client (0: the PEO, of every client) wants to be told of which kinds of change."""

    client_id = models.IntegerField()
    url = models.TextField()
    kinds = ArrayField(models.TextField())  # webhooks.services.Change
    secret_sealed = models.BinaryField()  # signs what is sent; shown once
    made_by = models.TextField()
    made_at = models.DateTimeField()
    ended_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)


class Outbox(models.Model):
    """Something changed: written by triggers in the very transaction that changed it; no face reads it.

    One row for each kind of record and statement, and so for each kind and partition of a run.
    """

    client = models.IntegerField()  # not client_id: the table is closed to faces
    change = models.TextField()  # webhooks.services.Change
    run_id = models.BigIntegerField(null=True)
    ids = ArrayField(models.TextField())  # of events, people or runs, as the API names them
    made_at = models.DateTimeField()


class Delivery(models.Model):
    """A part of what changed, on its way to one subscription."""

    client_id = models.IntegerField()
    subscription_id = models.BigIntegerField()
    outbox_id = models.BigIntegerField()
    part = models.IntegerField()  # from 0; each of at most services.MOST_IDS ids
    change = models.TextField()
    records = models.IntegerField()  # how many ids this part has
    state = models.TextField(default="waiting")  # waiting, delivered, dead
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    told = models.TextField(default="")  # what the last attempt came to
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "outbox_id", "part"], name="webhooks_told_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["subscription_id", "id"],
                name="webhooks_waiting",
                condition=models.Q(state="waiting"),
            )
        ]
