"""What changed is written down by the statement that changes it, for migrations of any floor.

A migration says `operations = [*watch("batch", "renewals_batch")]` and depends on `("workflow",
"0002_outbox")`;
where rows of the table are overwritten, also `*keep("renewals_batch")` and `("workflow", "0004_past_rows")`.
"""

from collections.abc import Sequence

from django.db.migrations import RunSQL

MOMENTS = ("INSERT", "UPDATE")


def watch(
    kind: str,
    table: str,
    *,
    key: str = "n.id::text",
    client: str = "n.client_id",
    known: str = "",
    moments: Sequence[str] = MOMENTS,
) -> list[RunSQL]:
    """Answer the operations that let channels of a kind see the changes of a table.

    key, client: SQL of the record's key and client from a changed row, `n`.
    known: the column that says since when a row is known, or SQL that does. Without one, what a record was
           before is in the past rows of its table (`keep`).
    """
    arguments = ", ".join("'" + one.replace("'", "''") + "'" for one in (kind, key, client, known))
    made, gone = [], []
    for moment in moments:
        name = f"workflow_{moment.lower()}_{kind.replace(chr(32), chr(95))}"
        rows = "NEW TABLE AS new_rows" + (" OLD TABLE AS old_rows" if moment == "UPDATE" else "")
        made.append(
            f"CREATE OR REPLACE TRIGGER {name} AFTER {moment} ON {table} REFERENCING {rows}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION workflow_note({arguments})"
        )
        gone.append(f"DROP TRIGGER IF EXISTS {name} ON {table}")
    return [RunSQL(made, gone)]


def keep(table: str, *, client: str = "client_id") -> list[RunSQL]:
    """Answer the operations that keep every row of a table (which has `id`) as it was until it changed.

    client: the column of the client it belongs to.
    """
    made, gone = [], []
    for moment in (*MOMENTS, "DELETE"):
        rows = "NEW TABLE AS new_rows" if moment == "INSERT" else "OLD TABLE AS old_rows"
        name = f"workflow_kept_{moment.lower()}"
        made.append(
            f"CREATE OR REPLACE TRIGGER {name} AFTER {moment} ON {table} REFERENCING {rows}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION workflow_keep('{client}')"
        )
        gone.append(f"DROP TRIGGER IF EXISTS {name} ON {table}")
    made.append(f"INSERT INTO workflow_keeping VALUES ('{table}', workflow_moment())")  # noqa: S608 - names of ours
    gone.append(f"DELETE FROM workflow_keeping WHERE of_table = '{table}'")  # noqa: S608
    return [RunSQL(made, gone)]
