"""People merged before now: their numbers are known as one human's, too (accounts.numbers)."""

from django.db import migrations

STANDING = """
INSERT INTO accounts_mergednumber (client_id, person_id, into_id)
SELECT client_id, person_id, survivor_id FROM (
    SELECT DISTINCT ON (client_id, person_id) client_id, person_id, survivor_id, is_merged
    FROM repair_personmerge ORDER BY client_id, person_id, number DESC
) AS last
WHERE is_merged
"""


class Migration(migrations.Migration):
    """Merges that stand."""

    dependencies = [
        ("repair", "0005_second_person"),
        ("accounts", "0006_merged_numbers"),
    ]

    operations = [migrations.RunSQL(STANDING, migrations.RunSQL.noop)]
