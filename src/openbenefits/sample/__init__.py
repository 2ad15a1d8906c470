"""The sample: people, what they hold, what they choose and what happens to them, of any size, from a seed.

The set-up it goes with stands in `sample/` at the root of the repository; nothing here is product logic.
"""

from openbenefits.sample.elections import ElectionFile, elections
from openbenefits.sample.generator import ClientFiles, SampleFiles, generate
from openbenefits.sample.places import SAMPLE_FOLDER
from openbenefits.sample.setups import generate_setup

__all__ = [
    "SAMPLE_FOLDER",
    "ClientFiles",
    "ElectionFile",
    "SampleFiles",
    "elections",
    "generate",
    "generate_setup",
]
