"""Tasks and cases are records, too: a channel goes on when the task before is complete."""

from django.db import migrations

from openbenefits.workflow.triggers import watch


class Migration(migrations.Migration):
    dependencies = [("workflow", "0002_outbox"), ("casework", "0001_initial")]

    operations = [*watch("task", "casework_ticket"), *watch("case", "casework_ticket")]
