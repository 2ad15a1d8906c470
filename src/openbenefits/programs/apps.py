from django.apps import AppConfig


class ProgramsConfig(AppConfig):
    name = "openbenefits.programs"
    label = "programs"
