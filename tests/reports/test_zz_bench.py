import time
from datetime import date
from pathlib import Path
import polars as pl
from pypdf import PdfReader
from openbenefits.reports import issuing, services, printing


def test_bench(world, ann, tmp_path, capsys):
    c = world.connection
    n = 2000
    people = world.services.add_people(world.client_id, pl.Series([f"B{i:05d}" for i in range(n)]))
    ids = people["person_id"].to_list()
    for t, cols in (
        ("workforce_personfact", None),
        ("workforce_addressfact", None),
        ("workforce_jobfact", None),
    ):
        with c.cursor() as cur:
            cur.execute(
                f"select column_name from information_schema.columns where table_name='{t}' order by ordinal_position"
            )
            names = [r[0] for r in cur.fetchall()]
            sel = ",".join("x.id" if k == "person_id" else "f." + k for k in names)
            cur.execute(
                f"insert into {t} ({','.join(names)}) select {sel} from {t} f, unnest(%s::bigint[]) x(id) where f.person_id=%s",
                [ids, ann["person_id"]],
            )
    for t in ("events_event", "enrollment_eventplan", "enrollment_eventoption"):
        with c.cursor() as cur:
            cur.execute(
                f"select column_name from information_schema.columns where table_name='{t}' order by ordinal_position"
            )
            names = [r[0] for r in cur.fetchall()]
            sel = ",".join("x.id" if k == "person_id" else "f." + k for k in names)
            cur.execute(
                f"insert into {t} ({','.join(names)}) select {sel} from {t} f, unnest(%s::bigint[]) x(id) where f.person_id=%s",
                [ids, ann["person_id"]],
            )
    now = world.rows("select now()")[0][0]
    t = time.perf_counter()
    r = services.issue_enrollment_statements(c, 900, folder=tmp_path, on=date(2025, 11, 3), now=now)
    dt = time.perf_counter() - t
    pages = sum(len(PdfReader(f).pages) for f in r.files)
    with capsys.disabled():
        print(
            "\nbatch",
            r.issued,
            pages,
            round(dt, 2),
            "s",
            round(pages / dt),
            "pages/s",
            [f.stat().st_size for f in r.files][:2],
        )
    world.rows("UPDATE events_event SET process_status='FE', event_status='C' RETURNING 1")
    t = time.perf_counter()
    r = services.issue_confirmations(c, 900, folder=tmp_path / "c", on=date(2025, 11, 3), now=now)
    dt = time.perf_counter() - t
    pages = sum(len(PdfReader(f).pages) for f in r.files)
    with capsys.disabled():
        print("conf", r.issued, pages, round(dt, 2), "s", round(pages / dt), "pages/s")
    world.rows("UPDATE events_event SET confirm_notified_on=null where person_id < %s RETURNING 1", ids[300])
    t = time.perf_counter()
    r = services.issue_confirmations(
        c, 900, folder=tmp_path / "p", on=date(2025, 11, 3), now=now, per_person=True
    )
    dt = time.perf_counter() - t
    with capsys.disabled():
        print("per person", r.issued, round(dt, 2), "s", round(r.issued / dt), "files/s")
