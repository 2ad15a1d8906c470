from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "openbenefits.runs"
    label = "runs"
