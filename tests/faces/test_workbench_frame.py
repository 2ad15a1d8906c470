"""The frame of the workbench: who gets in, what the navigation shows, how the pages read."""

import re

from tests.faces.conftest import LENIENT, look, sign_in, signed_in, text

from openbenefits.workbench.pages import PAGES


@LENIENT
def test_employees_and_strangers_do_not_get_in(browser, users):
    assert signed_in(browser, users["employee"]).get("/workbench/").status_code == 403
    assert signed_in(browser, users["nobody"]).get("/workbench/").status_code in (302, 403)
    browser.logout()
    assert browser.get("/workbench/")["Location"].startswith("/account/login/")


@LENIENT
def test_a_client_of_others_is_as_if_it_were_not_there(browser, users):
    mine = signed_in(browser, users["specialist"])
    assert mine.get("/workbench/harbor/").status_code == 200
    assert mine.get("/workbench/quill/").status_code == 404
    assert mine.get("/workbench/nowhere/").status_code == 404
    assert "quill" not in text(mine.get("/workbench/"))


@LENIENT
def test_one_changes_the_client_and_stays_on_the_page(browser, users):
    everywhere = signed_in(browser, users["everywhere"])
    assert everywhere.get("/workbench/go?client=quill&page=client")["Location"] == "/workbench/quill/"
    assert everywhere.get("/workbench/go?client=quill&page=nothing")["Location"] == "/workbench/quill/"
    assert everywhere.get("/workbench/go?client=&page=client").status_code == 404


@LENIENT
def test_a_filter_is_kept_for_whoever_keeps_it(browser, users):
    mine = signed_in(browser, users["everywhere"])  # who only reads keeps filters, too
    kept = {
        "page": "home",
        "query": "schedules.f_client=harb&schedules.page=2",
        "client_id": "0",
        "back": "/workbench/",
    }
    assert mine.post("/workbench/filters/save", kept | {"name": "mine"}, follow=True).status_code == 200
    shown = mine.get("/workbench/").content.decode()
    assert 'href="?schedules.f_client=harb">mine</a>' in shown
    assert "mine</a>" not in mine.get("/workbench/harbor/").content.decode()
    assert "expected a name" in text(mine.post("/workbench/filters/save", kept, follow=True))
    elsewhere = mine.post(
        "/workbench/filters/save", kept | {"name": "other", "back": "https://evil.example/"}
    )
    assert elsewhere["Location"] == "/workbench/"
    number = re.search(r"filters/(\d+)/drop", shown)[1]
    assert (
        signed_in(browser, users["specialist"]).post(f"/workbench/filters/{number}/drop").status_code == 302
    )
    again = signed_in(browser, users["everywhere"])
    assert "mine</a>" in again.get("/workbench/").content.decode()
    again.post(f"/workbench/filters/{number}/drop")
    assert "mine</a>" not in again.get("/workbench/").content.decode()


def test_names_of_pages_are_the_words_of_their_paths():
    for page in PAGES.values():
        assert page.path == "" or page.path[0] != "/"


def test_it_reads_well(page, site):
    sign_in(page, site, "everywhere")
    page.wait_for_url("**/workbench/")
    said = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/workbench/", "/workbench/harbor/?schedules.sort=events&schedules.f_client=harb"):
        page.goto(site + path)
        look(page, path)
    assert said == []
