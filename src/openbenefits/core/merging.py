"""Texts with replacement fields: `Termination of {{person.employee_number}} on {{valid_from}}`."""

import re
from collections.abc import Mapping

FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def fields_in(*texts: str) -> set[str]:
    """Name the fields texts are merged with."""
    return {name for text in texts for name in FIELD.findall(text)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Answer a text with its fields filled in, once: a field within a value stays as it is.

    Missing: a field without a value is left out.

    >>> filled("Dear {{ name }},{{none}} see {{link}}", {"name": "Ann", "link": "https://x"})
    'Dear Ann, see https://x'
    """
    return FIELD.sub(lambda found: values.get(found[1], ""), text)
