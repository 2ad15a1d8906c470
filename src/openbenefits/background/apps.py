from django.apps import AppConfig


class BackgroundConfig(AppConfig):
    """Long work: the web asks for it, a worker does it."""

    name = "openbenefits.background"
