"""Comparisons of packages, kept as they were made: never changed, never deleted."""

from django.db import models


class Comparison(models.Model):
    """Packages priced for the people of a client, or of a prospect, on a day; its frames beside it."""

    client_id = models.IntegerField()  # 0: of a prospect, who is no client yet
    title = models.TextField()
    as_of = models.DateField()  # the day of the census
    prices_on = models.DateField()  # the day the packages would begin
    inputs = models.TextField()  # fingerprint of census, candidates and set-up: the same for the same only
    people = models.IntegerField()
    packages = models.IntegerField()
    terms = models.JSONField()  # affordable share, demands
    frames = models.BinaryField()  # services.packed
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "-made_at"], name="matching_of_client")]


class Ordering(models.Model):
    """An order of the packages of a comparison, with the weights it was made by and why these."""

    client_id = models.IntegerField()
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="orderings")
    number = models.IntegerField()  # from 1, within the comparison
    weights = models.JSONField()
    scale = models.TextField()
    reference = models.TextField(default="")  # the package measures were taken against; blank: none
    winner = models.TextField(default="")  # blank: every package was refused
    order = models.JSONField()  # package codes with their scores, best first
    turning = models.JSONField()  # rules.ranking.sensitivity, packages by their codes
    reason = models.TextField(default="")
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comparison", "number"], name="matching_ordering_number")
        ]
