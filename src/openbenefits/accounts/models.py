from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signs in; our own model from the first migration, so that it can grow."""

    mobile = models.TextField(null=True, unique=True)  # verified, as +15550102030: codes may go there
    language = models.TextField(blank=True, default="")  # as chosen; empty: as the browser asks


class Role(models.Model):
    """What a user is for a client, from one moment until another; client 0 stands for every client."""

    user = models.ForeignKey(User, models.PROTECT, related_name="roles")
    client_id = models.IntegerField()
    code = models.TextField()  # accounts.roles.RoleCode
    given_by = models.TextField()
    given_at = models.DateTimeField()
    ended_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client_id", "code"],
                condition=models.Q(ended_at__isnull=True),
                name="accounts_one_role_at_a_time",
            )
        ]


class EmployeeLogin(models.Model):
    """Which employee a user is."""

    user = models.OneToOneField(User, models.PROTECT, related_name="employee")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()
    given_by = models.TextField()
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "person_id"], name="accounts_one_login_of_an_employee"
            )
        ]


class MergedNumber(models.Model):
    """A person id that is another one of the same human, while they are merged (repair keeps the acts)."""

    pk = models.CompositePrimaryKey("client_id", "person_id")
    client_id = models.IntegerField()
    person_id = models.BigIntegerField()  # who was merged into somebody
    into_id = models.BigIntegerField()


class AuditEntry(models.Model):
    """Who saw or did what, when, for whom, and why; nobody changes a row (accounts.audit)."""

    at = models.DateTimeField()
    user = models.ForeignKey(User, models.PROTECT, null=True)
    on_behalf_of = models.BigIntegerField(null=True)  # the employee a user acts for
    client_id = models.IntegerField()
    person_id = models.BigIntegerField(null=True)  # whom it is about
    kind = models.TextField()  # saw, did, refused
    what = models.TextField()  # a page or use case, by name: never what a record says
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["client_id", "person_id", "at"], name="accounts_audit_of_person"),
            models.Index(fields=["client_id", "-at"], name="accounts_audit_of_client"),
        ]


class Proposal(models.Model):
    """What somebody prepared and asks another user to approve, by what it is and a digest of it.

    Append-only. An approval lets exactly this be done, by anybody who may, until it expires
    (accounts.approvals).
    """

    client_id = models.IntegerField()
    kind = models.TextField()  # accounts.approvals.ApprovalKind
    key = models.TextField()  # which run, bundle, event: by numbers and codes, never by names of people
    digest = models.TextField()  # of what is done with it
    told = models.TextField()  # what it comes to, in words: counts and dollars, never names of people
    user_id = models.BigIntegerField()  # who prepared it
    prepared_at = models.DateTimeField()
    reason = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["client_id", "kind", "key"], name="accounts_proposal_of")]


class Verdict(models.Model):
    """What became of a proposal: approved or refused by another user, or withdrawn. Append-only."""

    proposal = models.OneToOneField(Proposal, models.PROTECT)
    client_id = models.IntegerField()
    outcome = models.TextField()  # accounts.approvals.Outcome
    user_id = models.BigIntegerField()
    decided_at = models.DateTimeField()
    reason = models.TextField()


class ApiKey(models.Model):
    """How a program comes in: a user without a password, who may what its scopes say for one client (0: all).

    Only a hash of the secret is kept. The last columns count the requests of the minute it is in.
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="api_key")
    client_id = models.IntegerField()
    name = models.TextField()
    secret_hash = models.BinaryField(unique=True)
    scopes = models.JSONField()  # accounts.roles.Permission
    per_minute = models.IntegerField()  # the most requests of a minute
    made_by = models.TextField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    ended_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    minute_began_at = models.DateTimeField(null=True)
    minute_requests = models.IntegerField(default=0)
