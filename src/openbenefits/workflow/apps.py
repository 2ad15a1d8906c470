from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    """Channels that turn what happens, and days that come, into tasks, cases, letters and changes."""

    name = "openbenefits.workflow"

    def ready(self) -> None:
        """Declare the kinds of record of the floors below."""
        from openbenefits.workflow.kinds import register
        from openbenefits.workflow.record_kinds import KINDS

        for kind in KINDS:
            register(kind)
