"""Batches, offered plans, invoices, differences and what is sent to payroll are kept as they were."""

from django.db import migrations

from openbenefits.workflow.triggers import keep

TABLES = (
    *("renewals_batch", "renewals_offer", "renewals_underwritingapproval"),
    *("reconcile_invoice", "reconcile_item", "platform_outboundchange"),
)


class Migration(migrations.Migration):
    dependencies = [("background", "0005_watched"), ("workflow", "0004_past_rows")]

    operations = [operation for table in TABLES for operation in keep(table)]
