from django.apps import AppConfig


class ChoosingConfig(AppConfig):
    """What people are offered, what they mean to choose, and what they submitted."""

    name = "openbenefits.choosing"
