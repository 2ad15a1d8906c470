"""An 834, or a carrier's census, opens a client: people, families and coverage in force, as one act."""

from openbenefits.carriers.opening.mapping import Mapping, MappingRefused, of_partner, read_mapping
from openbenefits.carriers.opening.services import (
    Opened,
    OpeningRefused,
    Preview,
    TakenBack,
    open_client,
    preview,
    take_back,
)

__all__ = [
    "Mapping",
    "MappingRefused",
    "Opened",
    "OpeningRefused",
    "Preview",
    "TakenBack",
    "of_partner",
    "open_client",
    "preview",
    "read_mapping",
    "take_back",
]
