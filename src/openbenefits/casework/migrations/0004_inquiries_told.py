from django.db import migrations, models

TOLD_BEFORE = """
UPDATE casework_inquiryword SET mailed = 'before' WHERE is_answer;
UPDATE casework_inquiry AS i SET closing = 'before' FROM casework_ticket AS t
WHERE t.id = i.ticket_id AND t.done_at IS NOT NULL;
"""
"""What was answered and closed before there were mails is not mailed now."""


class Migration(migrations.Migration):
    dependencies = [
        ("casework", "0003_clock_and_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="inquiry",
            name="closing",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="inquiryword",
            name="mailed",
            field=models.TextField(default=""),
        ),
        migrations.RunSQL(TOLD_BEFORE, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="inquiryword",
            index=models.Index(
                condition=models.Q(("is_answer", True), ("mailed", "")),
                fields=["id"],
                name="casework_answer_untold",
            ),
        ),
    ]
