"""Where events and their messages stood before a run moved them: what it is taken back to.

The database keeps it, whichever statement moves them: triggers on their tables write the rows of EventBefore
and MessageBefore, the first move of each in a run, while `openbenefits.journal_of` names the run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openbenefits.store.catalogue import fetch, psycopg_connection

JOURNAL_OF = "SELECT set_config('openbenefits.journal_of', %(run)s, true)"


@contextmanager
def journal(connection: Any, run_id: int) -> Iterator[None]:
    """Keep, for the events a run moves or makes meanwhile, where they stood before, in its transaction."""
    session = psycopg_connection(connection)
    fetch(session, JOURNAL_OF, {"run": str(run_id)})
    yield
    fetch(session, JOURNAL_OF, {"run": ""})
