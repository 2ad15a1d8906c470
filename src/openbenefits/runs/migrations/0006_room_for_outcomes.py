"""Room on each page for the outcomes: a line updated on its own page needs no other entry in the index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_journal_by_trigger")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE runs_runperson SET (fillfactor = 50)",
            "ALTER TABLE runs_runperson RESET (fillfactor)",
        ),
    ]
