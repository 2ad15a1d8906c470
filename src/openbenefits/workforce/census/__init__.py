"""Census import: files read, people matched, differences shown, good rows written as one change."""

from openbenefits.workforce.census.columns import COLUMNS, REQUIRED, recognise
from openbenefits.workforce.census.importing import CensusPreview, PreviewOutdated, apply, compare, preview
from openbenefits.workforce.census.reading import CensusFile, CensusRefused, read
from openbenefits.workforce.undo import TakeBackResult, take_back

__all__ = [
    "COLUMNS",
    "REQUIRED",
    "CensusFile",
    "CensusPreview",
    "CensusRefused",
    "PreviewOutdated",
    "TakeBackResult",
    "apply",
    "compare",
    "preview",
    "read",
    "recognise",
    "take_back",
]
