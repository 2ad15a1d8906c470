"""The channels that run for a client.

Its own, and those of the PEO that it has not put one of its own in place of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from openbenefits.store.isolation import PEO
from openbenefits.workflow import models
from openbenefits.workflow.channels import Channel, stored
from openbenefits.workflow.deciding import Reading
from openbenefits.workforce.models import Client


@dataclass(frozen=True)
class Running:
    """A published version of a channel."""

    channel_id: int
    version: int
    reading: Reading

    @property
    def channel(self) -> Channel:
        """Answer the channel as it was published."""
        return self.reading.channel

    @cached_property
    def author(self) -> str:
        """Answer under which name it acts."""
        return f"channel {self.channel.channel}"


def running(client_id: int, kinds: Iterable[str] | None = None) -> list[Running]:
    """List the channels that run for a client, of those that watch one of these kinds (None: all)."""
    found = models.ChannelVersion.objects.filter(
        channel__client_id__in=(PEO, client_id), channel__published__isnull=False
    ).select_related("channel")
    versions = [one for one in found.order_by("channel__code") if one.version == one.channel.published]
    own = {one.channel.code for one in versions if one.channel.client_id == client_id}
    code = Client.objects.filter(pk=client_id).values_list("code", flat=True).first()
    wanted = None if kinds is None else set(kinds)
    answer = []
    for one in versions:
        if one.channel.client_id != client_id and one.channel.code in own:
            continue
        if wanted is not None and not wanted & set(one.channel.kinds):
            continue
        channel = stored(one.document)
        if one.channel.client_id == PEO and channel.clients and code not in channel.clients:
            continue
        answer.append(Running(one.channel_id, one.version, Reading(channel)))
    return answer
