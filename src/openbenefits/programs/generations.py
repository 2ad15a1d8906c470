"""The shapes bundles had: how the document of an old release becomes one of today.

A new field with a default needs nothing here. A field that was renamed, taken out, or got another meaning
needs a step: raise `SHAPE` by one, and add to `STEPS` the function from the parts of one shape to those of
the next.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

Parts = dict[str, Any]

SHAPE = 1
"""The number of the present shape; a document without a number has the first."""

STEPS: dict[int, Callable[[Parts], Parts]] = {}
"""From each shape that was, the step to the next."""


class ShapeUnknown(ValueError):
    """A document comes from a shape this version of the product does not know."""


def brought_up_to_date(document: Mapping[str, Any]) -> Parts:
    """Answer the parts of a document in the present shape.

    Errors: ShapeUnknown for a document newer than the product, or a step that is not there.
    """
    shape = document.get("shape", 1)
    if not isinstance(shape, int) or not 1 <= shape <= SHAPE:
        raise ShapeUnknown(f"shape {shape} is not one of 1 to {SHAPE}")
    parts: Parts = document["parts"] if shape == SHAPE else deepcopy(document["parts"])
    for step in range(shape, SHAPE):
        if step not in STEPS:
            raise ShapeUnknown(f"no step leads from shape {step} to shape {step + 1}")
        parts = STEPS[step](parts)
    return parts
