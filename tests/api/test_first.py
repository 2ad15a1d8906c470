from tests.api.conftest import *
import re, time


def test_all_gets(harbor, filled):
    d = harbor.get("/openapi.json").json()
    people = whole(harbor, "/clients/harbor/people")
    pid = people[0]["id"]
    events = whole(harbor, "/clients/harbor/events")
    eid = events[0]["id"]
    bad = []
    for path, methods in d["paths"].items():
        if "get" in methods:
            url = path[len("/api/v1") :].format(
                client="harbor",
                person_id=pid,
                event_id=eid,
                schedule=events[0]["schedule"],
                run_id=1,
                number=1,
                code="BAS003",
                request_id=1,
                subscription_id=1,
            )
            q = {}
            for p in methods["get"]["parameters"]:
                if p["required"] and p["in"] == "query":
                    q[p["name"]] = {
                        "begin": "2026-01-01",
                        "through": "2026-02-28",
                        "pay_ends_on": "2026-01-31",
                        "person_id": pid,
                    }[p["name"]]
            t = time.time()
            a = harbor.get(url, **q)
            print(
                a.status_code, round(time.time() - t, 2), url, a.content[:150] if a.status_code != 200 else ""
            )
            if a.status_code >= 500:
                bad.append(url)
    assert not bad
