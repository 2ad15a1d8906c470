from django.conf import settings
from django.db import models


class SavedFilter(models.Model):
    """Settings of a page that a user gave a name."""

    client_id = models.IntegerField()  # 0: of a page that names no client
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    page = models.TextField()  # workbench.pages.Page.name
    name = models.TextField()
    query = models.TextField()
    is_shared = models.BooleanField(default=False)  # everybody of the staff who sees the page has it, too

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client_id", "page", "name"], name="workbench_filter_name"
            )
        ]
