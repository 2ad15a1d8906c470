"""The clock of a ticket stands while it waits; what users are told in the product; what employees ask."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("casework", "0002_lanes"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="stands_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="stood_seconds",
            field=models.IntegerField(default=0),
        ),
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("person_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("subject", models.TextField()),
                ("ticket_id", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client_id", "person_id", "-id"], name="casework_inquiry_of_person"),
                    models.Index(
                        condition=models.Q(("ticket_id__isnull", True)),
                        fields=["id"],
                        name="casework_inquiry_new",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InquiryWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("person_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("inquiry_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("is_answer", models.BooleanField()),
                ("author", models.TextField()),
                ("body", models.TextField()),
                ("carried_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["inquiry_id", "id"], name="casework_inquiry_words"),
                    models.Index(
                        condition=models.Q(("carried_at__isnull", True), ("is_answer", False)),
                        fields=["id"],
                        name="casework_inquiry_unheard",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Told",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("ticket_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("happenings", models.JSONField()),
                ("seen_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user_id", "-id"], name="casework_told_to"),
                    models.Index(
                        condition=models.Q(("seen_at__isnull", True)),
                        fields=["user_id"],
                        name="casework_unseen",
                    ),
                ],
            },
        ),
    ]
