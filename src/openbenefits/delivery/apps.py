from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Letters that were made, how each went out, and what became of it."""

    name = "openbenefits.delivery"
