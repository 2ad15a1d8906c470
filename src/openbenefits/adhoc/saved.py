"""Reports kept under a name, by whom wrote them or shared with everybody who sees the client."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.adhoc.models import SavedReport
from openbenefits.adhoc.query import Query, document_of, read_query
from openbenefits.adhoc.shipped import SHIPPED

LONGEST_NAME = 100


class ReportMissing(LookupError):
    """A saved report that is not there for whoever asks."""


class SavingRefused(ValueError):
    """A report that cannot be kept so: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A report one may open: its key for addresses, its name, whose it is.

    key: the number of a saved one, the code of one that is shipped.
    """

    key: str
    name: str
    subject: str
    owner: str
    is_own: bool
    is_shipped: bool = False


def reports_of(access: Access, client_id: int) -> list[Listed]:
    """List the reports somebody finds at a client: shipped ones, his own, and those shared with him."""
    shipped = [
        Listed(key=one.key, name=one.name, subject=one.query.subject, owner="", is_own=False, is_shipped=True)
        for one in SHIPPED.values()
    ]
    kept = _visible(access, client_id).order_by("name", "pk")
    return shipped + [
        Listed(
            key=str(one.pk),
            name=one.name,
            subject=str(one.query.get("subject", "")),
            owner=one.author,
            is_own=one.user_id == access.user_id,
        )
        for one in kept
    ]


def open_report(access: Access, client_id: int, key: str) -> tuple[str, Query, SavedReport | None]:
    """Answer a report's name and query; the row where it is a saved one.

    Errors: ReportMissing; QueryRefused where a saved one asks for what there is no longer.
    """
    if key in SHIPPED:
        return SHIPPED[key].name, SHIPPED[key].query, None
    found = _visible(access, client_id).filter(pk=key).first() if key.isdecimal() else None
    if found is None:
        raise ReportMissing("expected a report of yours, or one shared with you, found none; open the list")
    return found.name, read_query(found.query), found


def save_report(
    access: Access,
    client_id: int,
    name: str,
    query: Query,
    *,
    is_shared: bool,
    author: str,
    now: datetime,
    key: str = "",
) -> SavedReport:
    """Keep a report; with a key the one of this number, which must be one's own, is changed.

    Errors: SavingRefused for a name that is not one; ReportMissing.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise SavingRefused(
            f"expected a name of 1 to {LONGEST_NAME} characters, found {len(name)}; state one"
        )
    told = {"name": name, "query": document_of(query), "is_shared": is_shared, "changed_at": now}
    if key:
        found = own_report(access, client_id, key)
        for column, value in told.items():
            setattr(found, column, value)
        found.save(update_fields=list(told))
        return found
    return SavedReport.objects.create(
        client_id=client_id, user_id=access.user_id, author=author, made_at=now, **told
    )


def remove_report(access: Access, client_id: int, key: str, *, now: datetime) -> None:
    """Take a report of one's own off every list, and send it no more.

    Errors: ReportMissing.
    """
    found = own_report(access, client_id, key)
    found.is_removed, found.changed_at = True, now
    found.save(update_fields=["is_removed", "changed_at"])
    found.reportschedule_set.update(is_ended=True)


def own_report(access: Access, client_id: int, key: str) -> SavedReport:
    """Find a report of one's own.

    Errors: ReportMissing.
    """
    mine = _visible(access, client_id).filter(user_id=access.user_id)
    found = mine.filter(pk=key).first() if key.isdecimal() else None
    if found is None:
        raise ReportMissing("expected a report of your own, found none; save it under a name of your own")
    return found


def _visible(access: Access, client_id: int):  # type: ignore[no-untyped-def]  # a query set
    shared = Q(is_shared=True) & Q(client_id__in=[client_id, EVERY_CLIENT])
    own = Q(user_id=access.user_id, client_id__in=[client_id, EVERY_CLIENT])
    return SavedReport.objects.filter(shared | own, is_removed=False)
