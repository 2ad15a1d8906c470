"""Reconciliation: invoices loaded, labels and people mapped, differences by cause, disputed, moved on."""

from openbenefits.workbench.reconcile import differences, invoices, mapping

__all__ = ["differences", "invoices", "mapping"]
