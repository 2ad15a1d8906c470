"""Duties under COBRA, and what people did about them: batch tables, append-only.

Who loses which coverage on which day is the natural key: `dependent_id` 0 is the employee. A later version
of a duty says what holds now; nothing is erased.
"""

from django.db import models


class LossKey(models.Model):
    """What identifies a loss of coverage: whose, of what kind, the first day without it."""

    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    dependent_id = models.BigIntegerField()  # 0 = the employee
    cover = models.TextField()  # medical, dental, vision, health FSA …
    lost_on = models.DateField()

    class Meta:
        abstract = True


class CobraDuty(LossKey):
    """A duty to offer continuation coverage, as a version of it says: what is due, until when, and why."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "dependent_id", "cover", "lost_on", "version")
    version = models.IntegerField()
    state = models.TextField()  # compliance.cobra.rules.duties: due, withdrawn, to be corrected
    cause = models.TextField()  # core.codes.CobraCause
    reason = models.TextField()
    happened_on = models.DateField()
    last_covered_on = models.DateField()
    beneficiary_notice_by = models.DateField(null=True)  # the employee or dependent must report it
    employer_notice_by = models.DateField(null=True)  # to the administrator
    election_notice_by = models.DateField()  # to the beneficiary
    election_through = models.DateField()
    continues_through = models.DateField()
    disability_through = models.DateField(null=True)
    source = models.TextField()  # of the days and months
    recorded_on = models.DateField()  # as of which day
    made_at = models.DateTimeField()


class CobraAct(LossKey):
    """What somebody decided about a loss, or told a beneficiary: append-only."""

    pk = models.CompositePrimaryKey("client_id", "person_id", "dependent_id", "cover", "lost_on", "number")
    number = models.IntegerField()
    kind = models.TextField()  # compliance.cobra.rules.duties: decided, noticed, corrected, followed
    cause = models.TextField()  # decided, or told: core.codes.CobraCause; '' = it does not qualify
    told_through = models.DateField(null=True)  # how long one may continue by the notice; null: not at all
    acted_on = models.DateField()  # the day the notice was sent, or of the decision
    reason = models.TextField()
    author = models.TextField()
    acted_at = models.DateTimeField()
