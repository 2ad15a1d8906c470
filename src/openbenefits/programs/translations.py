"""What set-up calls things in the languages of its readers: a client's own words before the PEO's."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

Translations = Mapping[str, Mapping[str, str]]
"""By language, then by the name as set-up has it."""

QUERY = """
SELECT t.language, t.name, t.text
FROM programs_translation AS t JOIN programs_bundle AS b ON b.release_id = t.release_id
WHERE t.client_id IN (0, %(client)s) ORDER BY t.client_id
"""


def load_translations(connection: Any, client_id: int) -> Translations:
    """Load what names are in a language, by the set-up in force; a name that is not there stays."""
    columns = dict.fromkeys(("language", "name", "text"), pl.String())
    found: dict[str, dict[str, str]] = {}
    for language, name, text in copy_out(connection, QUERY, columns, {"client": client_id}).iter_rows():
        found.setdefault(language, {})[name] = text
    return found
