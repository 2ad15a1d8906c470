"""How money meets an invoice by person; a write-off waits for another person where the client wants one.

The approval is that of accounts.approvals (rulings §6.5).
"""

from django.db import migrations, models

WRITTEN_OFF = """
CREATE FUNCTION reconcile_check_write_off() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM accounts_require_approval(
        NEW.client_id, 'write_off', 'difference ' || NEW.id,
        accounts_digest(ARRAY[NEW.code, NEW.difference_cents::text]), coalesce(NEW.closed_at, now()));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER write_off_by_a_second_person AFTER UPDATE OF state ON reconcile_item
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'written off' AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION reconcile_check_write_off();
CREATE CONSTRAINT TRIGGER written_off_by_a_second_person AFTER INSERT ON reconcile_item
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'written off')
    EXECUTE FUNCTION reconcile_check_write_off();
"""
GONE = """
DROP TRIGGER write_off_by_a_second_person ON reconcile_item;
DROP TRIGGER written_off_by_a_second_person ON reconcile_item;
DROP FUNCTION reconcile_check_write_off();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reconcile", "0001_invoices"),
        ("accounts", "0003_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonMonth",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "invoice_id",
                        "client_id",
                        "person_id",
                        "plan_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("client_id", models.IntegerField()),
                ("invoice_id", models.BigIntegerField()),
                ("person_id", models.BigIntegerField()),
                ("plan_id", models.IntegerField()),
                ("expected_cents", models.BigIntegerField()),
                ("invoiced_cents", models.BigIntegerField()),
                ("owed_cents", models.BigIntegerField(null=True)),
                ("taken_cents", models.BigIntegerField()),
                ("employer_cents", models.BigIntegerField()),
                ("carrier_cents", models.BigIntegerField()),
                ("payroll_cents", models.BigIntegerField()),
                ("timing_cents", models.BigIntegerField()),
                ("unexplained_cents", models.BigIntegerField()),
                ("timing", models.TextField(default="")),
            ],
        ),
        migrations.RunSQL(WRITTEN_OFF, GONE),
    ]
