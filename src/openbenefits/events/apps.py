from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "openbenefits.events"
    label = "events"
