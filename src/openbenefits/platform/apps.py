from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """The payroll platform: what is taken from it, written to it, and read back."""

    name = "openbenefits.platform"
