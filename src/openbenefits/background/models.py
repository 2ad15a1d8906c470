from django.db import models


class ProcessRequest(models.Model):
    """What somebody asked a worker to do, and how far it is (background.services)."""

    client_id = models.IntegerField()  # 0: the PEO and all its clients
    user_id = models.BigIntegerField()
    author = models.TextField()
    kind = models.TextField()  # background.kinds.KINDS
    asked_for = models.JSONField()  # what the kind asks for, by name
    state = models.TextField(default="waiting")  # background.services.State
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)  # of the same unit as done; unknown until it is counted
    told = models.TextField(default="")  # what is going on, or why it was refused
    result = models.JSONField(default=dict)
    is_stop_asked = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="background_last_of_client")]


class Upload(models.Model):
    """A file somebody sent to be looked at and then carried out: its bytes sealed, kept for a day."""

    client_id = models.IntegerField()
    user_id = models.BigIntegerField()
    kind = models.TextField()  # background.kinds.KINDS: what is to be done with it
    name = models.TextField()  # as the sender called the file
    size = models.IntegerField()  # bytes
    content = models.BinaryField()  # sealed (store.secrets)
    tried_by = models.BigIntegerField(null=True)  # the request that tried it out
    done_by = models.BigIntegerField(null=True)  # the request that carried it out
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="background_last_uploads")]
