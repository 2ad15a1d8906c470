"""Lists that are computed of people: the same page by page as whole, and only of the people a page shows."""

import polars as pl
import pytest
from tests.api.conftest import whole

from openbenefits.api import paging
from openbenefits.api.problems import Problem
from openbenefits.workforce.models import Person

OWED = "/clients/harbor/deductions/owed"


def test_what_pays_owe_is_the_same_page_by_page(harbor):
    span = {"begin": "2026-01-01", "through": "2026-02-28"}
    rows = whole(harbor, OWED, **span)
    assert len(rows) > 20
    assert whole(harbor, OWED, limit=7, **span) == rows
    one = rows[0]["person_id"]
    assert harbor.get(OWED, person_id=one, limit=500, **span).json()["items"] == [
        row for row in rows if row["person_id"] == one
    ]
    assert harbor.get(OWED, cursor="x", **span).status_code == 422


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_nothing_is_lost_between_pages_and_few_are_looked_at(filled, monkeypatch, limit):
    monkeypatch.setattr(paging, "AT_ONCE", 2)
    people = Person.objects.filter(client__code="harbor")
    ids = list(people.order_by("pk").values_list("pk", flat=True))
    counts = dict(zip(ids, [3, 0, 1, 0, 0, 4, 1, 0, 0, 2, 0, 5], strict=False))
    asked: list[list[int]] = []

    def compute(some: list[int]) -> pl.DataFrame:
        asked.append(some)
        rows = [(person, number) for person in some[::-1] for number in range(counts.get(person, 0))]
        return pl.DataFrame(rows, schema={"person_id": pl.Int64, "number": pl.Int64}, orient="row")

    found, cursor = [], None
    while True:
        page = paging.slice_of_people(people, compute, cursor=cursor, limit=limit)
        assert len(page["items"]) <= limit
        found += [(row["person_id"], row["number"]) for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [(person, number) for person in ids for number in range(counts.get(person, 0))]
    if limit == 1:
        assert asked[0] == ids[:2]


def test_a_cursor_of_another_list_is_refused(filled):
    with pytest.raises(Problem):
        paging.slice_of_people(Person.objects.all(), lambda _: pl.DataFrame(), cursor="WzFd", limit=5)
