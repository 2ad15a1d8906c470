from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What changed is told to whoever subscribed to it."""

    name = "openbenefits.webhooks"
