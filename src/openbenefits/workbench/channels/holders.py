"""Whose channels a page is about: a client's, or the PEO's, which run for every client."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404

from openbenefits.accounts.roles import Permission
from openbenefits.store.isolation import PEO
from openbenefits.workbench.pages import address, client_of
from openbenefits.workflow import models
from openbenefits.workforce.models import Client


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A client, or the PEO. code: as addresses have it; empty for the PEO."""

    client_id: int
    code: str
    client: Client | None

    def address(self, name: str, **parts: Any) -> str:
        """Answer the address of a page of its channels."""
        if self.client is None:
            return address(f"peo_{name}", **parts)
        return address(name, client=self.code, **parts)


def holder_of(request: Any, client: str | None) -> Holder:
    """Find whose channels a page is about.

    Errors: Http404 for a client there is not.
    """
    if client is None:
        return Holder(client_id=PEO, code="", client=None)
    found = client_of(request, client)
    return Holder(client_id=found.pk, code=client, client=found)


def channel_of(holder: Holder, code: str) -> models.Channel:
    """Find a channel: one's own, or else the PEO's.

    Errors: Http404 where there is none.
    """
    found = models.Channel.objects.filter(code=code, client_id__in=(PEO, holder.client_id))
    first = found.order_by("-client_id").first()
    if first is None:
        raise Http404
    return first


def last_version(channel: models.Channel) -> models.ChannelVersion:
    """Answer the version written last.

    Errors: Http404 where none was.
    """
    found: models.ChannelVersion | None = channel.versions.order_by("-version").first()
    if found is None:
        raise Http404
    return found


def may_write(request: Any, holder: Holder) -> bool:
    """Whether somebody may write these channels."""
    return bool(request.access.may(Permission.SETUP, holder.client_id))
