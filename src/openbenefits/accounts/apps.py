from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db import connections
from django.db.models.signals import post_migrate

from openbenefits.accounts import clock
from openbenefits.store.isolation import isolate


class AccountsConfig(AppConfig):
    """Users, roles, rights per client, the audit trail."""

    name = "openbenefits.accounts"

    def ready(self) -> None:
        """Let every migration end with policies for all tables there are."""
        post_migrate.connect(_isolate, sender=self)
        user_logged_in.connect(_note_sign_in)


def _note_sign_in(user: Any, **_: Any) -> None:
    from openbenefits.accounts.services import note_sign_in  # models are ready by now

    note_sign_in(connections["default"], user, now=clock.now())


def _isolate(using: str, **_: Any) -> None:
    isolate(connections[using])
