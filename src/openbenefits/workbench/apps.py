from django.apps import AppConfig


class WorkbenchConfig(AppConfig):
    """The administrators' web."""

    name = "openbenefits.workbench"
