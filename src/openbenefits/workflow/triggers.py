"""What changed is written down by the statement that changes it, for migrations of any floor.

A migration says `operations = [*watch("batch", "renewals_batch")]` and depends on `("workflow",
"0002_outbox")`.
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
    known: the column that says since when a row is known; where it is stated, what a record was before is
           read from history. Without one, what it was is taken from the row as it was before (the key must
           be the row's own).
    """
    arguments = ", ".join("'" + one.replace("'", "''") + "'" for one in (kind, key, client, known))
    made, gone = [], []
    for moment in moments:
        name = f"workflow_{moment.lower()}_{kind.replace(chr(32), chr(95))}"
        rows = "NEW TABLE AS new_rows" + (" OLD TABLE AS old_rows" if moment == "UPDATE" else "")
        made.append(
            f"CREATE TRIGGER {name} AFTER {moment} ON {table} REFERENCING {rows}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION workflow_note({arguments})"
        )
        gone.append(f"DROP TRIGGER {name} ON {table}")
    return [RunSQL(made, gone)]
