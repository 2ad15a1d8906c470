from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    """Channels that turn what happens, and days that come, into tasks, cases, letters and changes."""

    name = "openbenefits.workflow"
