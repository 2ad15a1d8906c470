"""The event classes of the sample are those delivered (event-processing §4.1): use, priority, who may enter them."""

import pytest
import yaml

from openbenefits.sample import SAMPLE_FOLDER

DELIVERED = [
    ("SNP", "snapshot", 50, False),
    ("HIR", "specific", 100, False),
    ("TER", "specific", 200, False),
    ("FSC", "specific", 300, True),
    ("MSC", "default", 400, True),
    ("BIR", "specific", 401, True),
    ("MAR", "specific", 402, True),
    ("DIV", "specific", 403, True),
    ("OE", "open_enrollment", 900, False),
]


@pytest.fixture(scope="module")
def classes() -> dict[str, dict]:
    codes = yaml.safe_load((SAMPLE_FOLDER / "peo" / "codes.yaml").read_text())
    return {row["code"]: row for row in codes["event_classes"]}


@pytest.mark.parametrize(("code", "use", "priority", "manual"), DELIVERED, ids=[row[0] for row in DELIVERED])
def test_a_delivered_class_is_there_as_delivered(classes, code, use, priority, manual):
    row = classes[code]
    assert (row["use"], row["priority"], row.get("manual", False)) == (use, priority, manual)
