from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "openbenefits.workforce"
    label = "workforce"
