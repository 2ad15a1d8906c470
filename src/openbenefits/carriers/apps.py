from django.apps import AppConfig


class CarriersConfig(AppConfig):
    """What each carrier was told, is to be told, and answered."""

    name = "openbenefits.carriers"
