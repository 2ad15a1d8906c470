from django.apps import AppConfig


class BackgroundConfig(AppConfig):
    """Long work: the web asks for it, a worker does it."""

    name = "openbenefits.background"

    def ready(self) -> None:
        """Declare, for channels, the records of the floors above them."""
        from openbenefits.background.record_kinds import register_all

        register_all()
