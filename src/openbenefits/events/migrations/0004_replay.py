"""Events may be decided again: the moves back to the beginning, and who was finalised by an order."""

from django.db import migrations, models

from openbenefits.events.moves import MOVES

SOURCE = "decision 0012"


def write_new_moves(apps, schema_editor):
    move = apps.get_model("events", "StatusMove")
    move.objects.bulk_create(
        (move(from_status=was, to_status=now, cause=cause, source=SOURCE) for was, now, cause in MOVES),
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("events", "0003_window_acts")]
    operations = [
        migrations.AddField(
            model_name="event", name="is_finalized", field=models.BooleanField(default=False)
        ),
        migrations.RunPython(write_new_moves, migrations.RunPython.noop),
    ]
