"""What is shown of numbers and days that identify somebody: all of them only to who may see it."""

from datetime import date

import polars as pl

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access

DOTS = "•••-••-"


def shown_ssn(ssn: str | None) -> str:
    """Show the last four digits of a number, to everybody; all of it takes an act (workforce.unmasking).

    Missing: empty.

    >>> shown_ssn("123456789"), shown_ssn("123-45-6789"), shown_ssn(None)
    ('•••-••-6789', '•••-••-6789', '')
    """
    return DOTS + ssn[-4:] if ssn else ""


def shown_birth_date(access: Access, client_id: int, born: date | None) -> str:
    """Show a birth date to who may see personal data of the client, else its year.

    Missing: empty.
    """
    if born is None:
        return ""
    return born.isoformat() if access.may(Permission.SEE_PERSONAL, client_id) else str(born.year)


def masked(access: Access, client_id: int, rows: pl.DataFrame, *births: str) -> pl.DataFrame:
    """Answer rows with their columns of birth dates as text, as `shown_birth_date` says."""
    form = "%Y-%m-%d" if access.may(Permission.SEE_PERSONAL, client_id) else "%Y"
    return rows.with_columns(pl.col(name).dt.strftime(form) for name in births if name in rows.columns)
