"""How a change arrived: which save paths a channel counts."""

from enum import StrEnum


class Pipeline(StrEnum):
    """The way a change came in."""

    USER = "user"  # a screen, or a command
    IMPORT = "import"  # a file, or another system
    API = "api"  # a program, by its key
    RUN = "run"
    CHANNEL = "channel"  # an item of another channel
    SILENT = "silent"  # a bulk import that is to start no channel


SETTING = "openbenefits.pipeline"
DEPTH = "openbenefits.depth"
"""How many channels stand behind what a transaction does."""
