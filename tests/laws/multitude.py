"""Many people made of a few drawn ones: drawing takes ten times as long as deciding."""

from collections.abc import Sequence
from random import Random

from tests.laws.drawing import Row

AS_ONE = ["event", "hire_on", "service_on", "job", "more_jobs", "dependents", "current", "ended", "left_on"]
"""What was drawn to fit the event, or the household: it comes from one and the same person."""


def multitude(few: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Make so many people, each with every independent part of its facts from any of the few."""
    random = Random(seed)
    apart = [name for name in few[0] if name not in AS_ONE]
    return [random.choice(few) | {name: random.choice(few)[name] for name in apart} for _ in range(count)]
