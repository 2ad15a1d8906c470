from django.db import migrations, models

ONE_RATE = models.UniqueConstraint(fields=("rate_group", "tier", "band_from"), name="renewals_one_rate")
ONE_COUNT = models.UniqueConstraint(fields=("offer", "tier", "band_from"), name="renewals_one_count")


class Migration(migrations.Migration):
    dependencies = [("renewals", "0003_key_with_program")]
    operations = [
        migrations.RemoveConstraint(model_name="grouprate", name="renewals_one_rate"),
        migrations.RemoveConstraint(model_name="offercount", name="renewals_one_count"),
        migrations.RenameField(model_name="grouprate", old_name="age_from", new_name="band_from"),
        migrations.RenameField(model_name="offercount", old_name="age_from", new_name="band_from"),
        migrations.AlterField("grouprate", "band_from", models.IntegerField(default=0)),
        migrations.AlterField("offercount", "band_from", models.IntegerField(default=0)),
        migrations.AddConstraint(model_name="grouprate", constraint=ONE_RATE),
        migrations.AddConstraint(model_name="offercount", constraint=ONE_COUNT),
        migrations.AddField(model_name="rategroup", name="band", field=models.TextField(default="age")),
    ]
