"""The way of transport an agreement names."""

from openbenefits.carriers.agreements.partners import Partner
from openbenefits.carriers.filing.transport.carriage import Carriage
from openbenefits.carriers.filing.transport.folder import Folder
from openbenefits.carriers.filing.transport.sftp import Sftp


def way_of(partner: Partner) -> Carriage | None:
    """Answer how files go to a partner and come from it; None: by hand."""
    told = partner.transport
    if told.kind == "folder":
        return Folder(told.folder, told.answers)
    return Sftp(told) if told.kind == "sftp" else None
