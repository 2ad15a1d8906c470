from django.db import models

from openbenefits.events.models import EventKey


class Draft(EventKey):
    """What somebody means to choose for a plan type, and has not submitted: no run reads it."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "schedule_id", "event_number", "plan_type"
    )
    plan_type = models.TextField()
    stated = models.JSONField()  # choosing.stated.Stated
    saved_at = models.DateTimeField()


class ChoiceAct(EventKey):
    """What somebody did in choosing, with time: saw, saved, was refused, submitted. Append-only."""

    id = models.BigAutoField(primary_key=True)  # of a submission: the number of its confirmation
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    kind = models.TextField()  # core.codes.ChoiceActKind
    plan_type = models.TextField(null=True)  # null: the event as a whole
    content = models.JSONField(default=dict)  # what was saved, refused or confirmed; see `choosing.acts`

    class Meta:
        indexes = [models.Index(fields=["client_id", "person_id", "-id"], name="choosing_acts_of_person")]
