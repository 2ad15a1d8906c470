from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    """Invoices of carriers against coverage and deductions, each difference with its cause."""

    name = "openbenefits.reconcile"
