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


class HandedIn(models.Model):
    """A file somebody handed in to be imported: sealed, and gone once it is imported or given up."""

    client_id = models.IntegerField()
    user_id = models.BigIntegerField()
    kind = models.TextField()  # background.uploads.FileKind
    name = models.TextField()  # as the file was called
    content = models.BinaryField(null=True)  # sealed (store.secrets); null once it is gone
    size = models.IntegerField()  # bytes
    mapping = models.JSONField(default=dict)  # heading -> column, as stated for this file
    options = models.JSONField(default=dict)  # as_of, max_bad_share, is_silent
    state = models.TextField(default="handed in")  # background.uploads.State
    change_id = models.BigIntegerField(null=True)  # what the import is taken back by
    handed_in_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="background_last_file")]


class Heading(models.Model):
    """What a client calls a column in files of a kind, as last stated."""

    client_id = models.IntegerField()
    kind = models.TextField()  # background.uploads.FileKind
    heading = models.TextField()
    column = models.TextField()  # of the kind; empty: to be left out

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "kind", "heading"], name="background_one_meaning")
        ]


class OrderFile(models.Model):
    """A file of orders about many people: sealed, tried out, carried out, and gone after a day."""

    client_id = models.IntegerField()
    user_id = models.BigIntegerField()
    kind = models.TextField()  # background.file_kinds.FILE_KINDS
    name = models.TextField()  # as the sender called the file
    size = models.IntegerField()  # bytes
    content = models.BinaryField()  # sealed (store.secrets)
    tried_by = models.BigIntegerField(null=True)  # the request that tried it out
    done_by = models.BigIntegerField(null=True)  # the request that carried it out
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="background_last_orders")]
