"""Channels see what changes of batches, offered plans, invoices, differences, and what is sent to payroll."""

from django.db import migrations

from openbenefits.workflow.triggers import watch


class Migration(migrations.Migration):
    dependencies = [
        ("background", "0004_order_files"),
        ("workflow", "0002_outbox"),
        ("renewals", "0001_initial"),
        ("reconcile", "0001_invoices"),
        ("platform", "0001_exchange"),
    ]

    operations = [
        *watch("batch", "renewals_batch"),
        *watch("offered plan", "renewals_offer"),
        *watch("underwriting", "renewals_underwritingapproval"),
        *watch("invoice", "reconcile_invoice"),
        *watch("difference", "reconcile_item"),
        *watch("payroll change", "platform_outboundchange"),
    ]
