"""Row-level security: which rows a face may see and write, whatever a query forgets to ask.

Web processes work as the role FACE, which sees nothing until a transaction says whose rows it is about
(`acting`). Commands, workers and migrations work as the owner of the tables, to whom no policy applies.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import transaction
from psycopg import sql

from openbenefits.store.catalogue import psycopg_connection

FACE = "openbenefits_face"
PEO = 0
"""Set-up of the PEO itself, which all its clients read."""

CLIENT_COLUMNS = {"workforce_client": "id", "runs_run": "bundle_client"}
"""Where a row's client stands, if not in client_id."""
PERSON_COLUMNS = {"workforce_person": "id"}
"""Where a row's person stands, if not in person_id."""
PARENTS = {
    "programs_release": ("bundle_id", "programs_bundle"),
    "runs_runact": ("run_id", "runs_run"),
    "runs_runpartition": ("run_id", "runs_run"),
}
"""Tables of which a row belongs to whom the row belongs that it names: its column, and the other's table."""
OWN = {"accounts_role", "accounts_employeelogin", "accounts_apikey"}
"""Tables of which everybody reads the rows about himself, before it is known what else he may."""
MINE = {
    *("workbench_savedfilter", "api_answer"),
    *("casework_muted", "casework_follower", "casework_told"),
}
"""Tables whose rows are a user's own, whatever client they name: nobody else writes them, nor reads them."""
SHARED = {"workbench_savedfilter"}
"""Those of them of which the staff of a client reads what somebody shared."""
RECONCILE = {
    f"reconcile_{name}"
    for name in ("invoice", "invoiceline", "linematch", "personreference", "item", "itemact", "planmonth")
} | {"reconcile_personmonth"}
"""Invoices of carriers: those of client 0 are shared by several clients."""
CARRIERS = {
    f"carriers_{name}"
    for name in (
        "carrierfile",
        "fileact",
        "fileset",
        "fileline",
        "controlnumber",
        "received",
        "answer",
        "answerline",
    )
} | {"carriers_viewperson", "carriers_viewline", "carriers_portalentry", "carriers_partnervalues"}
"""Files for carriers and what came back: those of client 0 hold people of several clients."""
OF_STAFF = (
    RECONCILE
    | CARRIERS
    | {
        *("casework_ticket", "casework_change", "casework_comment", "casework_attachment"),
        *("casework_notice", "casework_mail"),
        *("matching_comparison", "matching_ordering", "matching_tierrecommendation"),
        *("workflow_pastrow", "workflow_arrival"),
        *("payroll_balancelook", "payroll_openbalance"),
    }
)
"""Tables of what the staff does among itself: no employee touches a row, not even one about him."""
WRITTEN_BY_STAFF = {"accounts_mergednumber"}
"""Tables of which an employee reads the rows about himself and writes none: they say what else is his."""
NO_SETUP = {
    "background_processrequest",
    "platform_connection",
    "workflow_logline",
    "workflow_made",
    "workflow_deadletter",
} | OF_STAFF
"""Tables whose rows of the PEO are no set-up: only who reads every client reads them."""
NOTES = {"accounts_auditentry"}
"""Tables into which everybody writes about what he does, and nobody changes a row."""
SIGNED = {
    *("accounts_proposal", "accounts_verdict", "casework_change", "casework_comment"),
    *("casework_inquiry", "casework_inquiryword"),
}
"""Tables of acts of users: each writes his own, about clients he may write, and nobody changes a row."""
SIGN_IN = {
    "accounts_user",
    "account_emailaddress",
    "account_emailconfirmation",
    "django_cache",
    "django_session",
    "mfa_authenticator",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
    "usersessions_usersession",
}
"""What a sign-in reads and writes before it is known who it is; no page lists any of it but one's own."""
PEOS_OWN = {"programs_draft", "background_processrequest"}
"""Tables whose rows of the PEO's are no set-up for all clients: who sees every client reads them."""
OPEN = dict.fromkeys(SIGN_IN, "a sign-in needs it before anything else is known") | {
    "accounts_user_groups": "Django's; not used",
    "accounts_user_user_permissions": "Django's; not used",
    "auth_group": "Django's; not used",
    "auth_group_permissions": "Django's; not used",
    "auth_permission": "Django's; not used",
    "django_content_type": "names of tables",
    "django_migrations": "names of migrations",
    "events_statusmove": "the legal moves, the same for all",
    "renewals_statusmove": "the legal moves, the same for all",
    "workflow_keeping": "names of tables, and since when their past rows are kept",
}
"""Tables whose rows are nobody's, and why each may be read by all."""
CLOSED = {
    "workflow_outbox": "what changed, on its way to channels; faces see their log and dead letters",
    "webhooks_outbox": "what changed, on its way to subscribers; faces see its deliveries",
    "procrastinate_events": "the queue of the worker; faces ask by background_processrequest",
    "procrastinate_jobs": "the queue of the worker; faces ask by background_processrequest",
    "procrastinate_periodic_defers": "the queue of the worker; faces ask by background_processrequest",
    "procrastinate_workers": "the queue of the worker; faces ask by background_processrequest",
}
"""Tables that no face touches, and why not."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Whose rows a transaction may touch.

    user_id: who asks; 0 = nobody has signed in.
    reads, writes: clients; what may be written may be read; None = every client. PEO stands for the set-up
             of the PEO.
    persons: the people it is limited to; None = everybody of these clients.
    """

    user_id: int
    reads: tuple[int, ...] | None = ()
    writes: tuple[int, ...] | None = ()
    persons: tuple[int, ...] | None = None


@contextmanager
def acting(connection: Any, rights: Rights) -> Iterator[None]:
    """Open a transaction with somebody's rights; they end with it.

    Errors: RuntimeError inside another transaction, whose rights these would outlive.
    """
    with transaction.atomic(durable=True):
        session = psycopg_connection(connection)
        readable = None if rights.reads is None or rights.writes is None else (*rights.reads, *rights.writes)
        session.execute(
            """
            SELECT set_config('openbenefits.user', %s, true), set_config('openbenefits.reads', %s, true),
                   set_config('openbenefits.writes', %s, true), set_config('openbenefits.persons', %s, true)
            """,
            [str(rights.user_id), _listed(readable), _listed(rights.writes), _listed(rights.persons)],
        )
        yield


ALL = "*"


def _listed(numbers: Sequence[int] | None) -> str:
    return ALL if numbers is None else ",".join(str(number) for number in numbers)


# --- policies -----------------------------------------------------------------------------------------------


def isolate(connection: Any) -> None:
    """Make the face role and give every table its policies; harmless if they are there.

    A table whose rows have no client, and that is not named here, is left without any right for the face.

    Errors: psycopg.errors.InsufficientPrivilege, with what to do, where this login may not make the role.
    """
    session = psycopg_connection(connection)
    _make_role(session)
    for table, columns in _tables(session).items():
        _protect(session, table, columns)
    session.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(FACE)))
    for kind, right in (("SEQUENCES", "USAGE"), ("FUNCTIONS", "EXECUTE")):
        statement = "GRANT {} ON ALL {} IN SCHEMA public TO {}"
        session.execute(sql.SQL(statement).format(sql.SQL(right), sql.SQL(kind), sql.Identifier(FACE)))
    for view in _views(session):
        session.execute(
            sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(view), sql.Identifier(FACE))
        )


PUBLIC_VIEWS = ("events_status_reachable",)
"""Views that hold nobody's rows: such a view reads as its owner, whom no policy stops."""
OWN_VIEWS = ("carriers_owncover",)
"""Views that read as their owner and show an employee rows about himself: each asks itself whose they are."""


def _views(session: psycopg.Connection) -> list[str]:
    """Name the views a face may read: as whoever asks, of nobody's rows, or of one's own only."""
    rows = session.execute(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
          AND (coalesce(reloptions @> ARRAY['security_invoker=true'], false) OR relname = ANY(%s))
        """,
        [[*PUBLIC_VIEWS, *OWN_VIEWS]],
    )
    return [row[0] for row in rows]


def _make_role(session: psycopg.Connection) -> None:
    role = sql.Identifier(FACE)
    known = session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [FACE]).fetchone()
    try:
        if not known:
            session.execute(
                sql.SQL(
                    "DO $$ BEGIN CREATE ROLE {} NOLOGIN; "
                    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                ).format(role)
            )
        may = session.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [FACE]).fetchone()
        if may and not may[0]:
            session.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise psycopg.errors.InsufficientPrivilege(
            f"the role {FACE} was expected, and this login may not make it; let an administrator of the "
            f"database run: CREATE ROLE {FACE} NOLOGIN; GRANT {FACE} TO your login"
        ) from error


def _tables(session: psycopg.Connection) -> Mapping[str, set[str]]:
    """Answer the columns of every table of ours."""
    rows = session.execute(
        """
        SELECT c.relname, array_agg(a.attname::text)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        GROUP BY c.relname
        """
    )
    return {name: set(columns) for name, columns in rows}


IS_OWN = "user_id = (SELECT nullif(current_setting('openbenefits.user', true), '')::bigint)"


def _protect(session: psycopg.Connection, table: str, columns: set[str]) -> None:
    name, role = sql.Identifier(table), sql.Identifier(FACE)
    session.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, role))
    if table in OPEN:
        rights = "SELECT, INSERT, UPDATE, DELETE" if table in SIGN_IN else "SELECT"
        session.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), name, role))
        return
    if (policies := policies_of(table, columns)) is None:
        return
    session.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
    for policy, (command, condition) in policies.items():
        session.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(policy), name))
        clause = "WITH CHECK ({})" if command == "INSERT" else "USING ({})"
        session.execute(
            sql.SQL("CREATE POLICY {} ON {} FOR {} TO {} " + clause).format(
                sql.Identifier(policy), name, sql.SQL(command), role, sql.SQL(condition)
            )
        )
    rights = "SELECT, INSERT" if table in NOTES | SIGNED else "SELECT, INSERT, UPDATE, DELETE"
    session.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), name, role))


def policies_of(table: str, columns: set[str]) -> dict[str, tuple[str, str]] | None:
    """Answer the policies of a table by name: the command, and whose rows; None where rows have no client."""
    if table in PARENTS:
        column, parent = PARENTS[table]
        theirs = f"EXISTS (SELECT 1 FROM {parent} AS p WHERE p.id = {column})"  # noqa: S608 - names of ours
        return {"face_reads": ("SELECT", theirs), "face_writes": ("ALL", theirs)}
    if table in MINE:
        reads = f"{IS_OWN} OR ({_is_shared()})" if table in SHARED else IS_OWN
        return {"face_reads": ("SELECT", reads), "face_writes": ("ALL", IS_OWN)}
    client = CLIENT_COLUMNS.get(table, "client_id")
    if client not in columns:
        return None
    person = PERSON_COLUMNS.get(table, "person_id")
    of_person = f" AND {_stated(person, 'persons')}" if person in columns else ""
    reads, writes = (f"{_stated(client, setting)}{of_person}" for setting in ("reads", "writes"))
    if table in OF_STAFF:
        reads += f" AND {_is_all('persons')}"
    if table in OF_STAFF | WRITTEN_BY_STAFF:
        writes += f" AND {_is_all('persons')}"
    if table in NOTES | OWN | NO_SETUP:
        reads += f" AND ({client} <> {PEO} OR {_is_all('reads')})"  # the PEO's own people are no set-up
    if table in NOTES:
        return {"face_reads": ("SELECT", reads), "face_writes": ("INSERT", IS_OWN)}
    if table in SIGNED:
        return {"face_reads": ("SELECT", reads), "face_writes": ("INSERT", f"{writes} AND {IS_OWN}")}
    if table in OWN:
        reads = f"({reads}) OR {IS_OWN}"
    return {"face_reads": ("SELECT", reads), "face_writes": ("ALL", writes)}


def _is_shared() -> str:
    """Whether the staff of a row's client may read it: of client 0, who reads every client."""
    is_meant = f"is_shared AND {_is_all('persons')} AND {_stated('client_id', 'reads')}"
    return f"{is_meant} AND (client_id <> {PEO} OR {_is_all('reads')})"


def _stated(column: str, setting: str) -> str:
    """Limit rows to the clients, or people, of a setting: none where it is unset, and no row without one."""
    value = f"current_setting('openbenefits.{setting}', true)"
    listed = f"string_to_array(nullif({value}, '{ALL}'), ',')::bigint[]"
    return f"({_is_all(setting)} OR {column} = ANY ((SELECT {listed})::bigint[]))"


def _is_all(setting: str) -> str:
    return f"(SELECT current_setting('openbenefits.{setting}', true) = '{ALL}')"
