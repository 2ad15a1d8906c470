from django.apps import AppConfig


class MatchingConfig(AppConfig):
    """Which package of plans is best for a client, its staff and the PEO."""

    name = "openbenefits.matching"
