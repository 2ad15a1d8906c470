"""Files handed in with a form: read, and their faults said beside it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from openbenefits.core.faults import message_of
from openbenefits.store.sheets import FileRefused

MOST_BYTES = 10 * 1024 * 1024
MOST_SHOWN = 50


def refuse_large_files(form: forms.Form, found: dict[str, Any], names: tuple[str, ...]) -> None:
    """Refuse what is too large before it is read."""
    for name in names:
        file = found.get(name)
        if file is not None and file.size > MOST_BYTES:
            form.add_error(name, _("Expected at most 10 MB, found more. Split the file."))


def read_handed(form: forms.Form, name: str, read: Any, bad: list[Any]) -> Any:
    """Read a file handed in; its faults are said, and None is answered."""
    file = form.cleaned_data[name]
    try:
        found = read(file.name, file.read())
    except FileRefused as fault:
        form.add_error(name, message_of(fault))
        return None
    if found.bad_rows.height:
        bad.extend(found.bad_rows.head(MOST_SHOWN).iter_rows(named=True))
        form.add_error(name, _("Expected every cell to be readable; those listed below are not."))
        return None
    return found.found
