from django.db import migrations, models

APART = """
INSERT INTO carriers_partnervalues (client_id, code, version, client, "values")
SELECT coalesce(c.id, 0), p.code, p.version, told.key, told.value
FROM carriers_partnerversion AS p, jsonb_each(p.document -> 'values') AS told
LEFT JOIN workforce_client AS c ON c.code = told.key
WHERE p.client_id = 0 AND told.key <> '*';
UPDATE carriers_partnerversion AS p SET document = jsonb_set(document, '{values}', (document -> 'values') - ARRAY(
    SELECT client FROM carriers_partnervalues AS v WHERE v.code = p.code AND v.version = p.version))
WHERE p.client_id = 0 AND document ? 'values';
"""
TOGETHER = """
UPDATE carriers_partnerversion AS p SET document = jsonb_set(document, '{values}',
    coalesce(document -> 'values', '{}') || (SELECT jsonb_object_agg(v.client, v."values")
        FROM carriers_partnervalues AS v WHERE v.code = p.code AND v.version = p.version))
WHERE p.client_id = 0 AND EXISTS (
    SELECT 1 FROM carriers_partnervalues AS v WHERE v.code = p.code AND v.version = p.version);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("carriers", "0001_files"),
        ("workforce", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PartnerValues",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client_id",
                        "code",
                        "version",
                        "client",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("code", models.TextField()),
                ("version", models.IntegerField()),
                ("client", models.TextField()),
                ("values", models.JSONField()),
            ],
        ),
        migrations.RunSQL(APART, TOGETHER),
        migrations.AddField(
            model_name="viewline",
            name="provider",
            field=models.TextField(null=True),
        ),
    ]
