"""HR facts: append-only, dated twice (true from `valid_from`, known since `version` and its change).

A fact row is never updated. A later `version` of the same key corrects it; `is_deleted` withdraws it.
Every row names the `ChangeSet` (an import, a screen save, a scenario step) that brought it, so that a
change can be taken back as one unit: taking back writes further versions, it erases nothing.
"""

from django.db import models


class Client(models.Model):
    """An employer served by the PEO. Every other row of the product belongs to exactly one."""

    id = models.AutoField(primary_key=True)  # 32 bits, as client_id is in every fact and batch table
    code = models.TextField(unique=True)
    name = models.TextField()


class ChangeSet(models.Model):
    """One unit of change to facts: what was done, by whom, when, and whether it was taken back."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    kind = models.TextField()  # census, takeover, taken, entry, undo
    label = models.TextField()
    fingerprint = models.TextField(default="")  # of the file, so that the same file twice is noticed
    made_at = models.DateTimeField()
    made_by = models.TextField()
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT)


class Person(models.Model):
    """A participant: our own stable key. Number, name and SSN are attributes."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    employee_number = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "employee_number"], name="person_number"),
            models.UniqueConstraint(fields=["client", "id"], name="person_client"),
        ]


class Dependent(models.Model):
    """Somebody who may be covered through a participant: again our own stable key."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    number = models.SmallIntegerField()  # shown to people; never an identity

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "person", "number"], name="dependent_number"),
            models.UniqueConstraint(fields=["client", "id"], name="dependent_client"),
        ]


class Fact(models.Model):
    """What every fact carries."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    valid_from = models.DateField()
    version = models.IntegerField()  # 1, 2, … for one key; the highest known is the one that holds
    change_id = models.BigIntegerField()
    known_since = models.DateTimeField()
    is_deleted = models.BooleanField(default=False)

    class Meta:
        abstract = True


class PersonFact(Fact):
    """Who a participant is."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "valid_from", "version")
    first_name = models.TextField()
    last_name = models.TextField()
    middle_name = models.TextField(null=True)
    suffix = models.TextField(null=True)  # of the name: Jr., III
    birth_on = models.DateField(null=True)
    sex = models.TextField(null=True)  # F, M, X
    is_smoker = models.BooleanField(null=True)
    marital_status = models.TextField(null=True)  # single, married, divorced, widowed, partnered
    service_on = models.DateField(null=True)  # service counts from here
    is_medicare_entitled = models.BooleanField(null=True)
    email = models.TextField(null=True)
    phone = models.TextField(null=True)
    language = models.TextField(null=True)  # en, es: in which the person reads letters
    ssn_sealed = models.BinaryField(null=True)
    ssn_hash = models.TextField(null=True)


class AddressFact(Fact):
    """Where a participant lives."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "valid_from", "version")
    line1 = models.TextField(null=True)
    city = models.TextField(null=True)
    state = models.TextField(null=True)
    postal_code = models.TextField(null=True)
    country = models.TextField(default="USA")


class JobFact(Fact):
    """One row of a job: what a participant does, for how much, in which groups."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "job_number", "valid_from", "sequence", "version"
    )
    job_number = models.SmallIntegerField()
    sequence = models.SmallIntegerField()  # orders several rows of one job on one day
    benefit_record = models.SmallIntegerField(default=0)
    is_primary = models.BooleanField(default=True)
    is_for_eligibility = models.BooleanField(default=True)  # counts where a rule looks at several jobs
    action = models.TextField()  # HIR, REH, XFR, PAY, DTA, LOA, RFL, TER, RET …
    reason = models.TextField(null=True)
    job_status = models.TextField()  # A active, L leave, P paid leave, T terminated, R retired, D deceased …
    last_day_employed = models.DateField(null=True)
    company = models.TextField(null=True)
    benefit_group = models.TextField(null=True)
    pay_group = models.TextField(null=True)
    department = models.TextField(null=True)
    location = models.TextField(null=True)
    job_code = models.TextField(null=True)
    union_code = models.TextField(null=True)
    employee_class = models.TextField(null=True)
    full_part_time = models.TextField(null=True)  # F, P
    regular_temporary = models.TextField(null=True)  # R, T
    flsa_status = models.TextField(null=True)
    employee_type = models.TextField(null=True)
    officer_code = models.TextField(null=True)
    eeo_class = models.TextField(null=True)
    regulatory_region = models.TextField(null=True)
    salary_plan = models.TextField(null=True)
    salary_grade = models.TextField(null=True)
    job_function = models.TextField(null=True)
    config_1 = models.TextField(null=True)  # config_1 … config_9: what the client's own rules ask for
    config_2 = models.TextField(null=True)
    config_3 = models.TextField(null=True)
    config_4 = models.TextField(null=True)
    config_5 = models.TextField(null=True)
    config_6 = models.TextField(null=True)
    config_7 = models.TextField(null=True)
    config_8 = models.TextField(null=True)
    config_9 = models.TextField(null=True)
    weekly_hours_hundredths = models.IntegerField(null=True)
    annual_pay_cents = models.BigIntegerField(null=True)


class DependentFact(Fact):
    """Who a dependent is, and what to the participant."""

    pk = models.CompositePrimaryKey("client_id", "dependent_id", "valid_from", "version")
    dependent_id = models.BigIntegerField()
    first_name = models.TextField()
    last_name = models.TextField()
    middle_name = models.TextField(null=True)
    suffix = models.TextField(null=True)
    person_type = models.TextField()  # core.codes.PersonType
    birth_on = models.DateField(null=True)
    sex = models.TextField(null=True)
    is_smoker = models.BooleanField(null=True)
    is_student = models.BooleanField(default=False)
    student_through = models.DateField(null=True)  # the last day for which that is evidenced
    is_disabled = models.BooleanField(default=False)
    is_married = models.BooleanField(default=False)
    is_former = models.BooleanField(default=False)  # divorced, died or otherwise no longer a dependent
    died_on = models.DateField(null=True)  # of who is former by death
    ssn_sealed = models.BinaryField(null=True)
    ssn_hash = models.TextField(null=True)


class BenefitBaseFact(Fact):
    """A yearly amount that stands for pay in formulas, of a type the client names (with bonus, say)."""

    pk = models.CompositePrimaryKey(
        "client_id", "person_id", "benefit_record", "base_type", "valid_from", "version"
    )
    benefit_record = models.SmallIntegerField(default=0)
    base_type = models.TextField()
    annual_pay_cents = models.BigIntegerField(null=True)


class LifeEventFact(Fact):
    """Something that happened in a participant's life, as reported."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "valid_from", "event_class", "version")
    event_class = models.TextField()  # BIR, MAR, DIV, FSC, … ; `valid_from` is the day it happened
    reported_on = models.DateField()


class FactChange(models.Model):
    """The change feed: one row per fact row written, in order; event detection reads on from its mark."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    change_id = models.BigIntegerField()
    fact = models.TextField()  # job, person, address, dependent, life_event, benefit_base
    operation = models.TextField()  # I insert, C correct, D delete
    valid_from = models.DateField()
    job_number = models.SmallIntegerField(null=True)
    sequence = models.SmallIntegerField(null=True)
    event_class = models.TextField(null=True)  # life events
    is_trigger = models.BooleanField()  # changes something eligibility may depend on
    consumed_by_run = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["client_id", "person_id"],
                name="feed_waiting",
                condition=models.Q(consumed_by_run__isnull=True),
            )
        ]
