from django.apps import AppConfig


class RepairConfig(AppConfig):
    name = "openbenefits.repair"
    label = "repair"
