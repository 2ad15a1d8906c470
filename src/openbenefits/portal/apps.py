from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The employees' web."""

    name = "openbenefits.portal"
