"""What was answered to a request that may come again."""

from django.db import models


class Answer(models.Model):
    """What a POST with an idempotency key was answered; kept for a day, sealed."""

    client_id = models.IntegerField()  # of the API key; 0: of every client
    user_id = models.BigIntegerField()  # the API key
    idempotency_key = models.TextField()
    request_hash = models.BinaryField()
    status = models.SmallIntegerField()
    content_type = models.TextField()
    body_sealed = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "idempotency_key"], name="api_answered_once")
        ]
