from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from openbenefits.store.isolation import isolate


class AccountsConfig(AppConfig):
    """Users, roles, rights per client, the audit trail."""

    name = "openbenefits.accounts"

    def ready(self) -> None:
        """Let every migration end with policies for all tables there are."""
        post_migrate.connect(_isolate, sender=self)


def _isolate(using: str, **_: Any) -> None:
    isolate(connections[using])
