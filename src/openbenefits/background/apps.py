from django.apps import AppConfig


class BackgroundConfig(AppConfig):
    """What the web asks for and a worker does: long work with progress, to be stopped, seen by whom it is for."""

    name = "openbenefits.background"
