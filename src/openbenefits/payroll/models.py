"""What payroll did and was told: the facts of the ledger. What is owed is not here; it is computed.

Rows are appended, never updated: the highest version of a key holds. Only what a night found of balances is
written anew by the next one.
"""

from django.db import models


class SeriesKey(models.Model):
    """What one balance is of: a person's deduction, credit or hours sold of a plan type and tax class."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    plan_type = models.TextField()
    kind = models.TextField()  # deduction, credit, sold
    tax_class = models.TextField()  # core.codes.TaxClass; empty: earnings

    class Meta:
        abstract = True


class Taken(SeriesKey):
    """What a pay took (or paid, if earnings) of a series, corrections included, as payroll reported it."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "kind", "tax_class"),
        *("pay_group_id", "ends_on", "version"),
    )
    pay_group_id = models.BigIntegerField()
    ends_on = models.DateField()  # of the pay
    version = models.IntegerField()
    pay_number = models.IntegerField()
    taken_cents = models.BigIntegerField()  # negative: given back
    change_id = models.BigIntegerField()  # workforce.ChangeSet: the file
    known_since = models.DateTimeField()
    is_deleted = models.BooleanField(default=False)  # this version says: nothing was reported


class PayReport(models.Model):
    """A pay all of which payroll has reported: who is not named in it had nothing taken.

    Holds until its change is taken back.
    """

    pk = models.CompositePrimaryKey("client_id", "pay_group_id", "ends_on", "change_id")
    client_id = models.IntegerField()
    pay_group_id = models.BigIntegerField()
    ends_on = models.DateField()
    change_id = models.BigIntegerField()


class Scheduled(SeriesKey):
    """A correction ordered for a pay. An order has one row for each of its pays."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "kind", "tax_class"),
        *("order_number", "pay_group_id", "ends_on", "version"),
    )
    order_number = models.IntegerField()  # 1, 2, … of a series
    pay_group_id = models.BigIntegerField()
    ends_on = models.DateField()
    version = models.IntegerField()
    pay_number = models.IntegerField()
    cents = models.BigIntegerField()  # to take besides what is owed; negative: to give back
    taken_as = models.TextField()  # the tax class of the pay's line; a missed pay may be after tax
    reason = models.TextField()
    consent = models.TextField(default="")  # how and when the person agreed
    author = models.TextField()
    made_at = models.DateTimeField()
    is_cancelled = models.BooleanField(default=False)


class Received(SeriesKey):
    """What somebody on leave without pay paid, otherwise than through payroll, for a pay of a series."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "kind", "tax_class"),
        *("pay_group_id", "ends_on", "version"),
    )
    pay_group_id = models.BigIntegerField()
    ends_on = models.DateField()  # of the pay that did not take it
    version = models.IntegerField()
    received_cents = models.BigIntegerField()  # in all, for this pay
    received_on = models.DateField()
    how = models.TextField()
    author = models.TextField()
    made_at = models.DateTimeField()


class LeaveAct(models.Model):
    """What was agreed or said about a leave without pay: how coverage is paid for; that it may end."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "benefit_record", "leave_from", "number")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    benefit_record = models.SmallIntegerField()
    leave_from = models.DateField()  # the first day of the leave
    number = models.IntegerField()  # counts the acts about the leave
    kind = models.TextField()  # way, notice, resume, withdrawn (what was said before)
    way = models.TextField()  # core.codes.LeaveWay, or Resumption of `resume`; '' of a notice
    through_on = models.DateField(null=True)  # the last day of the leave, as expected
    acted_on = models.DateField()  # the day of the choice, or of the letter
    reason = models.TextField()  # how and when the person agreed; what the letter was
    author = models.TextField()
    made_at = models.DateTimeField()


class RecoveryPolicy(models.Model):
    """How missed deductions may be recovered where a person lives, for checks from a day on."""

    pk = models.CompositePrimaryKey("client_id", "state", "valid_from", "version")
    client_id = models.IntegerField()  # 0: of the PEO, for every client without its own
    state = models.TextField()  # empty: every state without its own
    valid_from = models.DateField()
    version = models.IntegerField()
    cap_cents = models.BigIntegerField(null=True)  # most per pay and series; null: no such cap
    cap_thousandths = models.IntegerField(null=True)  # percent of the regular deduction; null: no such cap
    periods = models.SmallIntegerField(null=True)  # spread over so many pays; null: as few as the caps allow
    needs_consent = models.BooleanField()
    is_forbidden = models.BooleanField()
    source = models.TextField()
    author = models.TextField()
    made_at = models.DateTimeField()
    is_withdrawn = models.BooleanField(default=False)


class BalanceLook(models.Model):
    """When the balances of a client were last looked at, and of how many people one is left."""

    client_id = models.IntegerField(primary_key=True)
    as_of = models.DateField()  # pays reported after it were not looked at
    people = models.IntegerField()


class OpenBalance(SeriesKey):
    """A balance that was not nothing at the last look: a cache of `ledger.balances`, for lists and counts."""

    pk = models.CompositePrimaryKey(
        *("client_id", "person_id", "benefit_record", "plan_type", "kind", "tax_class")
    )
    owed_cents = models.BigIntegerField(null=True)
    taken_cents = models.BigIntegerField(null=True)
    received_cents = models.BigIntegerField(null=True)
    scheduled_cents = models.BigIntegerField(null=True)
    moved_cents = models.BigIntegerField(null=True)
    correct_cents = models.BigIntegerField(null=True)  # to take; negative: to give back; null: see fault
    since_on = models.DateField(null=True)  # of arrears: the end of the oldest pay that is short
    fault = models.TextField(null=True)
