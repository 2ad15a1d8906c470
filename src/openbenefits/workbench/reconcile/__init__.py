"""Reconciliation: invoices, labels and people mapped, differences by cause, money, terms, own bills."""

from openbenefits.workbench.reconcile import bills, differences, invoices, mapping, money, terms

__all__ = ["bills", "differences", "invoices", "mapping", "money", "terms"]
