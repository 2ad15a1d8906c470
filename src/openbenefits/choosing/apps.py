from django.apps import AppConfig


class ChoosingConfig(AppConfig):
    """What people are offered, what they mean to choose, and what they submitted."""

    name = "openbenefits.choosing"

    def ready(self) -> None:
        """Tell the report of who has elected where the numbers of confirmations are."""
        from openbenefits.choosing.confirmations import last_numbers
        from openbenefits.renewals.progress import register_confirmations

        register_confirmations(last_numbers)
