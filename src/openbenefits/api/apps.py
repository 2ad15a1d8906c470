from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The same over HTTP, for programs."""

    name = "openbenefits.api"
