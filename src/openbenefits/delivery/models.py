"""Letters that were made, how each went out, and what became of it.

What was sent is kept as it was sent: a reprint is the same file. Whatever is said about a letter afterwards
is a row more (`Fate`); nothing is changed or erased.
"""

from django.db import models


class OfPerson(models.Model):
    """What every row of this capability is about."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()

    class Meta:
        abstract = True


class Document(OfPerson):
    """A letter to one person, as it was made. Its number (id) stands on lists and in manifests."""

    kind = models.TextField()  # delivery.codes.DocumentKind
    benefit_record = models.SmallIntegerField(null=True)  # the event it is about, where it is about one
    schedule_id = models.IntegerField(null=True)
    event_number = models.IntegerField(null=True)
    as_of = models.DateField()  # the day it speaks of
    pages = models.SmallIntegerField()
    size = models.IntegerField()  # bytes
    digest = models.TextField()  # SHA-256 of the file, in hexadecimal
    paper = models.TextField()
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["client_id", "person_id", "-id"], name="delivery_of_person"),
            models.Index(fields=["client_id", "kind", "-id"], name="delivery_of_kind"),
        ]


class Content(OfPerson):
    """The file of a letter. A table of its own, so that lists never read it."""

    document_id = models.BigIntegerField(primary_key=True)
    packed = models.BinaryField()  # the PDF, packed by zlib: less than half of it


class PrintBatch(models.Model):
    """Letters that are printed, and put into the post, together. A reprint names the batch it repeats."""

    client_id = models.IntegerField()
    reprint_of = models.BigIntegerField(null=True)
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "-id"], name="delivery_batches")]


class PrintLine(OfPerson):
    """A delivery in a print batch, at its place in the order of the post."""

    batch_id = models.BigIntegerField()
    place = models.IntegerField()
    delivery_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch_id", "place"], name="delivery_place")]
        indexes = [models.Index(fields=["client_id", "delivery_id"], name="delivery_line")]


class Delivery(OfPerson):
    """One way on which a letter goes, or went, to its person."""

    document_id = models.BigIntegerField()
    channel = models.TextField()  # delivery.codes.Channel
    address = models.TextField(default="")  # of an e-mail; a letter shows its own
    again_of = models.BigIntegerField(null=True)  # the delivery that did not arrive
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["client_id", "document_id", "-id"], name="delivery_of_document"),
        ]


class Fate(OfPerson):
    """What became of a delivery: append-only, the last row says where it stands."""

    delivery_id = models.BigIntegerField()
    fate = models.TextField()  # delivery.codes.FateCode
    told = models.TextField(default="")  # by whom or why, without personal data
    author = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "delivery_id", "-id"], name="delivery_fates")]


class Choice(OfPerson):
    """How a person wants letters, and the consent that a letter without paper needs: append-only."""

    channel = models.TextField()
    consented_on = models.DateField(null=True)  # to electronic delivery; null: none, or withdrawn
    how = models.TextField()  # how it was said: portal, on paper, …
    author = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "person_id", "-id"], name="delivery_choices")]


class Terms(models.Model):
    """How a client wants letters sent: append-only, the last row holds."""

    client_id = models.IntegerField()
    attaches = models.BooleanField()  # e-mail carries the letter; else only word that it is in the portal
    author = models.TextField()
    made_at = models.DateTimeField()
