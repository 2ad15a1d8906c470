"""The web as 200 employees choose at once: the real server, and a session for each of them."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import connection

from bench.children import Progress
from bench.kernel import Measured
from bench.stored import BY, bench_database, load_employer
from openbenefits.accounts.models import User
from openbenefits.accounts.services import link_employee
from openbenefits.accounts.signing_in import link_token
from openbenefits.events.models import Event
from openbenefits.programs import services as setup
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.store import secrets

EMPLOYEES = 200
NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
TODAY = date(2025, 11, 5)
PREPARED = ("PR", "NT")
STARTS_WITHIN = 60  # seconds
PATIENCE = 900  # seconds until a page counts as lost


def measure_faces(folder: Path, progress: Progress) -> Measured:
    """Let 200 employees sign in, look at their open enrolment, keep all and submit, all at once."""
    with bench_database():
        setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
        code = sorted(one.name for one in (folder / "clients").iterdir())[0]
        employer = load_employer(folder, code)
        run(connection, employer.order(), now=NOW)
        settings.SECRET_KEY = secrets.web_key()  # Django was ready before this database had a folder of keys
        tokens = _tokens(employer)
        connection.close()
        with _served() as site:
            asyncio.run(_journey(site, tokens[0], defaultdict(list)))  # the first one finds everything cold
            laps: dict[str, list[float]] = defaultdict(list)
            began = time.perf_counter()
            lost = asyncio.run(_all(site, tokens[1:], laps, progress))
            seconds = time.perf_counter() - began
    asked = sum(len(times) for times in laps.values())
    found: dict[str, float] = {"users": len(tokens) - 1, "lost": lost, "requests": asked, "seconds": seconds}
    for name, times in laps.items():
        found[f"{name}_p50_ms"] = _at(times, 0.5) * 1000
        found[f"{name}_p95_ms"] = _at(times, 0.95) * 1000
    every = [one for times in laps.values() for one in times]
    return found | {"per_second": asked / seconds, "p95_ms": _at(every, 0.95) * 1000}


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _tokens(employer: Any) -> list[str]:
    """Make a login and a link for employees who may choose."""
    events = Event.objects.filter(
        client_id=employer.client_id, schedule_id=employer.open_enrollment, process_status__in=PREPARED
    )
    found = []
    for person_id in events.order_by("person_id").values_list("person_id", flat=True)[: EMPLOYEES + 1]:
        user = User.objects.create_user(f"employee {person_id}")
        link_employee(user, employer.client_id, person_id, given_by=BY, now=NOW)
        found.append(link_token(user))
    return found


@contextmanager
def _served() -> Iterator[str]:
    """Start `openbenefits serve` for this database, on a day within the window; answer its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "openbenefits.cli", "serve", "--port", str(port), "--no-worker"]
    environment = os.environ | {"OPENBENEFITS_TODAY": TODAY.isoformat()}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    site = f"http://127.0.0.1:{port}"
    try:
        _wait(site)
        yield site
    finally:
        server.terminate()
        server.wait()


def _wait(site: str) -> None:
    until = time.perf_counter() + STARTS_WITHIN
    while True:
        try:
            httpx.get(f"{site}/account/login/", timeout=PATIENCE)
        except httpx.TransportError:
            if time.perf_counter() > until:
                raise
            time.sleep(0.2)
        else:
            return


async def _all(site: str, tokens: list[str], laps: dict[str, list[float]], progress: Progress) -> int:
    """Let everybody go at once; answer how many did not come to a confirmation."""
    done = 0

    async def one(token: str) -> bool:
        nonlocal done
        is_confirmed = await _journey(site, token, laps)
        done += 1
        progress(done, len(tokens))
        return is_confirmed

    return sum(not is_confirmed for is_confirmed in await asyncio.gather(*(one(token) for token in tokens)))


async def _journey(site: str, token: str, laps: dict[str, list[float]]) -> bool:
    """One employee: signs in, looks, keeps all, submits; answers whether a confirmation came."""
    async with httpx.AsyncClient(base_url=site, timeout=PATIENCE, follow_redirects=True) as browser:

        async def ask(name: str, how: str, where: str, **more: Any) -> httpx.Response:
            began = time.perf_counter()
            answer = await browser.request(how, where, **more)
            laps[name].append(time.perf_counter() - began)
            return answer

        home = await ask("home", "GET", f"/sign-in/{token}")
        found = re.search(r"/portal/events/[\d-]+/", home.text)
        if found is None:
            return False
        await ask("event", "GET", found[0])
        keep = await ask("keep", "GET", f"{found[0]}keep/")
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "sure": _questions(keep.text)}
        sent = await ask("submit", "POST", f"{found[0]}keep/", data=form, headers={"Referer": site})
        return "/confirmations/" in str(sent.url)


def _questions(page: str) -> list[str]:
    """Answer every second question with yes."""
    return re.findall(r'name="sure" value="([^"]+)"', page)
