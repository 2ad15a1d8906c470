"""The playbooks and the renewal calendar that come with the product, as files of channels beside this one."""

from datetime import datetime
from pathlib import Path

from openbenefits.accounts.services import Access
from openbenefits.programs.findings import Finding
from openbenefits.store.isolation import PEO
from openbenefits.workflow import services
from openbenefits.workflow.channels import Channel
from openbenefits.workflow.models import ChannelVersion
from openbenefits.workflow.reading import read_file

FOLDER = Path(__file__).parent / "shipped"


def shipped() -> dict[str, Channel]:
    """Read the channels that come with the product, by code."""
    found = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        channel, findings = read_file(file)
        if channel is None:
            raise ValueError("; ".join(one.sentence() for one in findings))
        found[channel.channel] = channel
    return found


def take_over(
    access: Access | None, *, author: str, now: datetime, client_id: int = PEO, is_published: bool = True
) -> list[ChannelVersion]:
    """Store the channels that come with the product as the PEO's, and let them run; what is there stays.

    Errors: NotAllowed.
    """
    made = []
    for code, channel in shipped().items():
        if services.models.Channel.objects.filter(client_id=client_id, code=code).exists():
            continue
        version = services.write(access, client_id, channel, author=author, now=now)
        if is_published:
            version = services.publish(access, client_id, code, author=author, now=now)
        made.append(version)
    return made


def findings_of(file: Path) -> list[Finding]:
    """Find what is wrong with the file of a channel."""
    from openbenefits.workflow.checking import check_channel

    channel, findings = read_file(file)
    return findings if channel is None else check_channel(channel)
