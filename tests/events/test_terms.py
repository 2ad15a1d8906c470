"""Which reports of life events wait for an administrator (docs/rules.md §15.4)."""

from datetime import date

import polars as pl
import pytest

from openbenefits.events.terms import with_why_held

DAY = date(2026, 3, 2)
LATE = "reported 2026-04-03, the last day was 2026-04-02"
NO_EVENT = "reports of this class make no event by themselves"


def why(*, terms=(31, True), reported=date(2026, 4, 3), last_act=None, source="ME", change_id=5):
    row = {
        "source": source, "change_id": change_id, "last_act": last_act, "event_on": DAY, "reported_on": reported,
        "event_class_id": 4,
    }  # fmt: skip
    kinds = {"change_id": pl.Int64, "last_act": pl.String, "reported_on": pl.Date, "event_class_id": pl.Int32}
    classes = pl.DataFrame(
        {"event_class_id": [4], "days_to_notify": [terms[0]], "creates_event": [terms[1]]},
        schema={"event_class_id": pl.Int32, "days_to_notify": pl.Int32, "creates_event": pl.Boolean},
    )
    return with_why_held(pl.DataFrame([row], schema_overrides=kinds), classes)["why_held"].item()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, LATE),
        ({"reported": date(2026, 4, 2)}, None),  # the last day
        ({"reported": date(2026, 2, 20)}, None),  # announced
        ({"reported": None}, None),
        ({"terms": (None, True)}, None),  # however late
        ({"terms": (0, True), "reported": DAY}, None),
        (
            {"terms": (0, True), "reported": date(2026, 3, 3)},
            "reported 2026-03-03, the last day was 2026-03-02",
        ),
        ({"terms": (31, False)}, LATE),
        ({"terms": (31, False), "reported": DAY}, NO_EVENT),
        ({"terms": (None, False)}, NO_EVENT),
        ({"last_act": "admit"}, None),
        ({"last_act": "enter"}, None),
        ({"terms": (None, False), "last_act": "admit"}, None),
        ({"change_id": None}, None),  # an administrator's own entry
        ({"change_id": None, "terms": (31, False)}, None),
        ({"source": "TJ"}, None),
        ({"source": "TJ", "terms": (31, False)}, None),
    ],
)
def test_a_report_is_held_by_the_terms_of_its_class(given, expected):
    assert why(**given) == expected
