"""Says, for the rest of a transaction, how its changes arrive; triggers write it beside what changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus

from openbenefits.core.pipelines import DEPTH, SETTING, Pipeline
from openbenefits.store.catalogue import psycopg_connection

SET = "SELECT set_config(%s, %s, true), set_config(%s, %s, true)"
NOW = "SELECT coalesce(current_setting(%s, true), ''), coalesce(current_setting(%s, true), '')"


@contextmanager
def arriving(connection: Any, pipeline: Pipeline, depth: int = 0) -> Iterator[None]:
    """Let what is written inside arrive by a pipeline; inside a transaction, and given back with its end.

    What somebody outside has said already holds: an import that is to be silent stays so.
    """
    session = psycopg_connection(connection)
    before, deep = session.execute(NOW, [SETTING, DEPTH]).fetchone() or ("", "")
    if before:
        yield
        return
    session.execute(SET, [SETTING, str(pipeline), DEPTH, str(depth)])
    try:
        yield
    finally:
        if session.info.transaction_status != TransactionStatus.INERROR:
            session.execute(SET, [SETTING, before, DEPTH, deep])
