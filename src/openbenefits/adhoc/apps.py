from django.apps import AppConfig


class AdhocConfig(AppConfig):
    """Reports that people put together themselves, without SQL."""

    name = "openbenefits.adhoc"
