from django.db import migrations

from openbenefits.workflow.triggers import watch


class Migration(migrations.Migration):
    dependencies = [("renewals", "0001_initial"), ("workflow", "0002_outbox")]
    operations = [*watch("batch", "renewals_batch"), *watch("offer", "renewals_offer")]
