from django.apps import AppConfig


class RenewalsConfig(AppConfig):
    """Plans for clients: master plans, benefits batches, offered plans, their approval and renewal."""

    name = "openbenefits.renewals"

    def ready(self) -> None:
        """Declare the records that channels watch."""
        from openbenefits.renewals.workflow_kinds import declare

        declare()
