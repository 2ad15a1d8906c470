from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("renewals", "0002_watched")]
    operations = [
        migrations.RemoveConstraint(model_name="offer", name="renewals_export_key"),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                fields=("batch", "plan", "rate_group", "benefit_group", "program"),
                name="renewals_export_key",
                nulls_distinct=False,
            ),
        ),
    ]
