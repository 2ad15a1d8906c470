"""Invoices of carriers as they were loaded, whom their lines are about, and what differs.

Lines are never changed: they say what the carrier printed. What a reconciliation finds is an item with a
history. Rows of client 0 are of invoices several clients share; only who sees every client reads them.
"""

from django.db import models


class CarrierTerms(models.Model):
    """A version of what is agreed with a carrier (`terms.Terms`); the latest holds."""

    pk = models.CompositePrimaryKey("client_id", "carrier", "version")
    client_id = models.IntegerField()  # 0: the PEO agrees for all its clients
    carrier = models.TextField()
    version = models.IntegerField()
    document = models.JSONField()
    author = models.TextField()
    made_at = models.DateTimeField()


class Invoice(models.Model):
    """An invoice as it was loaded: its header, and the file itself, sealed."""

    client_id = models.IntegerField()  # 0: several clients share it
    carrier = models.TextField()
    number = models.TextField()
    kind = models.TextField()  # states.Kind
    month = models.DateField()  # the first day of the month billed
    statement_on = models.DateField()
    cutoff_on = models.DateField()  # changes the carrier knew by then are in it
    due_on = models.DateField(null=True)
    previous_cents = models.BigIntegerField(default=0)
    payments_cents = models.BigIntegerField(default=0)  # received by the carrier since, as a positive amount
    current_cents = models.BigIntegerField()
    adjustment_cents = models.BigIntegerField()
    total_cents = models.BigIntegerField()
    paid_cents = models.BigIntegerField(null=True)  # what we paid of it
    file_name = models.TextField()
    fingerprint = models.TextField()
    content = models.BinaryField()  # sealed
    left_out = models.JSONField(default=dict)  # of the file: headings nothing is known by, the number of rows
    state = models.TextField()  # services.InvoiceState
    results = models.IntegerField(default=0)  # how often it was reconciled
    inputs = models.TextField(default="")  # the fingerprint of what it was last reconciled from
    told = models.JSONField(default=dict)  # the sums of the last reconciliation
    loaded_at = models.DateTimeField()
    loaded_by = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "fingerprint"], name="invoice_once"),
            models.UniqueConstraint(fields=["client_id", "id"], name="invoice_client"),
        ]
        indexes = [models.Index(fields=["client_id", "carrier", "month"], name="invoice_month")]


class InvoiceLine(models.Model):
    """A line as the carrier printed it, and our codes for what it printed. SSNs are keyed hashes."""

    pk = models.CompositePrimaryKey("invoice_id", "line")
    client_id = models.IntegerField()  # 0: its subgroup is nobody's
    invoice_id = models.BigIntegerField()
    line = models.IntegerField()  # counts the lines from 1
    row = models.IntegerField()  # of the file
    identity = models.TextField()  # what the same person has on every invoice of the carrier
    member_id = models.TextField(null=True)
    ssn_hash = models.TextField(null=True)
    last4_hash = models.TextField(null=True)
    employee_number = models.TextField(null=True)
    last_name = models.TextField(null=True)
    first_name = models.TextField(null=True)
    birth_on = models.DateField(null=True)
    relationship = models.TextField(null=True)
    subgroup = models.TextField(null=True)
    plan_label = models.TextField()
    tier_label = models.TextField(null=True)
    plan_id = models.IntegerField(null=True)
    coverage_code_id = models.IntegerField(null=True)
    dependents = models.SmallIntegerField(null=True)
    volume_cents = models.BigIntegerField(null=True)
    rate_micros = models.BigIntegerField(null=True)
    age = models.SmallIntegerField(null=True)
    premium_cents = models.BigIntegerField()
    employer_cents = models.BigIntegerField(null=True)  # the employer's share of it, where it is printed
    people = models.IntegerField(null=True)  # of a summary bill: how many the line counts
    is_retro = models.BooleanField()
    month = models.DateField(null=True)  # the coverage month; null: an adjustment that names none
    reason = models.TextField(null=True)


class LineMatch(models.Model):
    """Whom a line is about."""

    pk = models.CompositePrimaryKey("invoice_id", "line")
    client_id = models.IntegerField()
    invoice_id = models.BigIntegerField()
    line = models.IntegerField()
    person_id = models.BigIntegerField(null=True)  # matched, or asked about
    is_dependent = models.BooleanField(default=False)  # the line is a dependent's of that person
    step = models.TextField()  # rules.matching.STEPS
    confidence = models.SmallIntegerField()  # hundredths
    standing = models.TextField()  # matched, ask, unmatched


class PersonReference(models.Model):
    """Who somebody on a carrier's invoices is, as a person confirmed it; the latest of an identity holds."""

    pk = models.CompositePrimaryKey("client_id", "carrier", "identity", "version")
    client_id = models.IntegerField()
    carrier = models.TextField()
    identity = models.TextField()
    version = models.IntegerField()
    person_id = models.BigIntegerField(null=True)  # null: confirmed to be nobody of ours
    author = models.TextField()
    made_at = models.DateTimeField()


class Item(models.Model):
    """A difference with its cause. Found anew by each reconciliation under the same key; its state stays."""

    client_id = models.IntegerField()
    invoice_id = models.BigIntegerField()
    key = models.TextField()  # what it is about: leg, person, plan, month or line
    person_id = models.BigIntegerField(null=True)
    plan_id = models.IntegerField(null=True)
    plan_type = models.TextField(default="")
    month = models.DateField(null=True)
    leg = models.TextField()
    code = models.TextField()  # rules.causes.CAUSES
    is_timing = models.BooleanField(default=False)  # what changed was known after the cut-off
    expected_cents = models.BigIntegerField(null=True)
    invoiced_cents = models.BigIntegerField(null=True)
    difference_cents = models.BigIntegerField()
    months = models.SmallIntegerField(default=1)
    expected = models.TextField(default="")
    found = models.TextField(default="")
    notes = models.TextField(default="")  # secondary causes
    lines = models.TextField(default="")  # of the invoice
    cluster = models.TextField(default="")  # several items of one matter share it
    owner = models.TextField()  # carrier, payroll, us, client
    deadline_on = models.DateField(null=True)  # the last day the carrier takes it
    evidence = models.JSONField(default=dict)
    carries = models.BigIntegerField(null=True)  # the item of an earlier invoice that is still open
    state = models.TextField()  # items.ItemState
    assigned_to = models.TextField(default="")
    promised_on = models.DateField(null=True)  # the month whose invoice is to show the credit
    reference = models.TextField(default="")  # the carrier's number for it
    recovered_cents = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    result = models.IntegerField()  # the reconciliation that last found it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invoice_id", "key"], name="item_key")]
        indexes = [models.Index(fields=["client_id", "state", "deadline_on"], name="item_worklist")]


class ItemAct(models.Model):
    """What somebody, or a reconciliation, did with an item: its history."""

    pk = models.CompositePrimaryKey("item_id", "number")
    client_id = models.IntegerField()
    item_id = models.BigIntegerField()
    number = models.IntegerField()
    state = models.TextField()
    words = models.TextField()
    author = models.TextField()
    made_at = models.DateTimeField()


class PlanMonth(models.Model):
    """What a reconciliation says of one client, plan and month: the statement, leg by leg."""

    pk = models.CompositePrimaryKey("invoice_id", "client_id", "plan_id")
    client_id = models.IntegerField()
    invoice_id = models.BigIntegerField()
    plan_id = models.IntegerField()
    people_expected = models.IntegerField()
    people_invoiced = models.IntegerField()
    volume_cents = models.BigIntegerField()
    expected_cents = models.BigIntegerField()
    invoiced_cents = models.BigIntegerField()
    explained_cents = models.BigIntegerField()
    rounding_cents = models.BigIntegerField()
    unexplained_cents = models.BigIntegerField()
    owed_cents = models.BigIntegerField(
        null=True
    )  # of employees, in the pays of the month; null: none reported
    taken_cents = models.BigIntegerField(null=True)
    employer_cents = models.BigIntegerField(null=True)


class PersonMonth(models.Model):
    """How the money pays collected of somebody for a plan meets an invoice (rules.residuals)."""

    pk = models.CompositePrimaryKey("invoice_id", "client_id", "person_id", "plan_id")
    client_id = models.IntegerField()
    invoice_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    plan_id = models.IntegerField()
    expected_cents = models.BigIntegerField()
    invoiced_cents = models.BigIntegerField()
    owed_cents = models.BigIntegerField(null=True)  # null: a pay of the month cannot be priced
    taken_cents = models.BigIntegerField()
    employer_cents = models.BigIntegerField()
    carrier_cents = models.BigIntegerField()  # billed otherwise than expected (leg A)
    payroll_cents = models.BigIntegerField()  # taken otherwise than owed (leg B)
    timing_cents = models.BigIntegerField()
    unexplained_cents = models.BigIntegerField()
    timing = models.TextField(default="")  # the reason of timing_cents


class BilledMonth(models.Model):
    """What a client was billed of somebody for a plan, beside coverage, carrier, payroll (rules.margins)."""

    pk = models.CompositePrimaryKey("invoice_id", "client_id", "person_id", "plan_id")
    client_id = models.IntegerField()
    invoice_id = models.BigIntegerField()  # the bill of the client
    person_id = models.BigIntegerField()
    plan_id = models.IntegerField()
    expected_cents = models.BigIntegerField()  # to be billed to the client
    billed_cents = models.BigIntegerField()
    premium_cents = models.BigIntegerField(null=True)  # expected of the carrier; null: it sent no invoice
    invoiced_cents = models.BigIntegerField(null=True)
    owed_cents = models.BigIntegerField(null=True)  # of the employee; null: no pay was reported
    taken_cents = models.BigIntegerField(null=True)
    employer_cents = models.BigIntegerField(null=True)
