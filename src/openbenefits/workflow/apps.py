from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    """Channels that turn what happens, and days that come, into tasks, cases, letters and changes."""

    name = "openbenefits.workflow"

    def ready(self) -> None:
        """Declare the kinds of record, checks and acts of the floors below."""
        from openbenefits.workflow.acts import ENTER, register_act
        from openbenefits.workflow.checks import SHIPPED, register_check
        from openbenefits.workflow.kinds import register
        from openbenefits.workflow.record_kinds import KINDS

        for kind in KINDS:
            register(kind)
        for check in SHIPPED:
            register_check(check)
        register_act(ENTER)
