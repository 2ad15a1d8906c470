"""A pay calendar of which few months are left is an entry of the work list, of nobody yet."""

from datetime import date

from openbenefits.review.services import work_list


def test_a_calendar_that_ends_soon_is_to_be_done(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False, people=12)
    early = work_list(fresh_database, employer.client_id, as_of=date(2026, 6, 1))["Work"]
    assert early.filter(code="BA1241").is_empty()
    late = work_list(fresh_database, employer.client_id, as_of=date(2026, 11, 15))["Work"].filter(
        code="BA1241"
    )
    assert late["record"].to_list() == ["pay group HBW", "pay group HSB", "pay group HWK"]
    assert late["people"].to_list() == [0, 0, 0]
    assert set(late["client"]) == {"harbor"}
    assert late["found"][0].startswith("one through 202")
