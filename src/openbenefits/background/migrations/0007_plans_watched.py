"""Channels see what changes of benefits plans; offers are watched once, as offered plans."""

from django.db import migrations

from openbenefits.workflow.triggers import keep, watch

OFFERS = watch("offer", "renewals_offer")


class Migration(migrations.Migration):
    dependencies = [
        ("background", "0006_past_rows"),
        ("renewals", "0002_watched"),
    ]

    operations = [
        *watch("plan", "renewals_benefitsplan"),
        *keep("renewals_benefitsplan"),
        *(migrations.RunSQL(one.reverse_sql, one.sql) for one in OFFERS),
    ]
