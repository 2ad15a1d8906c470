"""Logins for the employees of a client: each is sent a way in, by mail, by text message or on a letter.

The census says where to: its e-mail address first, else its mobile number, else the home address. A letter
carries a code to type, and waits for a print batch like every other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import httpx
import msgspec
import polars as pl
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from openbenefits.accounts.models import User
from openbenefits.accounts.services import RoleRefused
from openbenefits.accounts.signing_in import INVITED_BY_POST_DAYS, INVITED_DAYS, invitation_code
from openbenefits.accounts.texting import number_of, send_text
from openbenefits.accounts.users import (
    emails_of_users,
    invite_employee,
    logins_of,
    mobiles_of_users,
    send_invitation,
)
from openbenefits.background.services import Work
from openbenefits.delivery.codes import Channel
from openbenefits.delivery.frames import of_day
from openbenefits.reports.issuing_letters import load_people
from openbenefits.reports.notices import issue_notices
from openbenefits.reports.spoken import ENGLISH, days_said
from openbenefits.workforce import frames as workforce
from openbenefits.workforce.models import Client

AT_ONCE = 50
"""Letters of one transaction."""
WORKING = ("A", "L", "P", "S")
TOLD = ("email", "phone", "language")
LIVES = ("line1", "postal_code")
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
MOBILE = r"^\+[1-9]\d{6,14}$"


class Way(StrEnum):
    """How somebody is told how to come in, the cheapest first."""

    EMAIL = "email"
    TEXT = "text"
    LETTER = "letter"


class InviteEmployees(msgspec.Struct, forbid_unknown_fields=True):
    """Who works for a client and has no login yet; site: where the web is; ways: by which they are told."""

    site: str
    ways: tuple[Way, ...] = tuple(Way)


def ways_there() -> tuple[Way, ...]:
    """Answer the ways this installation has: no text messages without a gateway."""
    return tuple(way for way in Way if way is not Way.TEXT or settings.HAS_TEXTS)


def employees_to_invite(
    connection: Any, client_id: int, on: date, ways: Sequence[Way] = tuple(Way)
) -> pl.DataFrame:
    """List who works for a client and has no login, with the first way that leads to him.

    Shapes:  person_id, employee_number, email, mobile (as `number_of`), language, way.
    Missing: way is null where none of those asked for does: nothing in the census, or somebody else's.
    """
    people = load_people(connection, client_id, None).filter(
        ~pl.col("person_id").is_in(list(logins_of(client_id)))
    )
    cases = of_day(people, on)
    jobs = workforce.in_force(
        cases, workforce.load_jobs(connection, cases), ("job_number",), ("valid_from", "sequence")
    )
    at_work = jobs.filter(pl.col("job_status").is_in(WORKING)).select("case").unique()
    rows = cases.select("case").hstack(people.select("person_id", "employee_number"))
    for loaded in (
        workforce.load_persons(connection, cases, dict.fromkeys(TOLD, pl.String())),
        workforce.load_addresses(connection, cases, dict.fromkeys(LIVES, pl.String())),
    ):
        known = workforce.in_force(cases, loaded).drop("valid_from")
        rows = rows.join(known, on="case", how="left", maintain_order="left")
    working = rows.join(at_work, on="case", how="semi", maintain_order="left")
    return _with_ways(working, [way for way in ways if way in ways_there()]).drop("case", "phone", *LIVES)


def _with_ways(rows: pl.DataFrame, ways: Sequence[Way]) -> pl.DataFrame:
    """Add mobile and way. An address two people share, or a user has, leads to the first of them only."""
    rows = rows.with_columns(
        email=pl.col("email").str.strip_chars(),
        mobile=pl.col("phone").map_elements(number_of, return_dtype=pl.String),
        language=pl.col("language").fill_null(ENGLISH),
    )
    small = pl.col("email").str.to_lowercase()
    emails = emails_of_users(rows["email"].str.to_lowercase().drop_nulls())
    mobiles = mobiles_of_users(rows["mobile"].drop_nulls())
    leads = {
        Way.EMAIL: pl.col("email").str.contains(EMAIL)
        & ~small.is_in(list(emails))
        & small.is_first_distinct(),
        Way.TEXT: pl.col("mobile").str.contains(MOBILE)
        & ~pl.col("mobile").is_in(list(mobiles))
        & pl.col("mobile").is_first_distinct(),
        Way.LETTER: pl.all_horizontal(pl.col(LIVES).str.len_chars() > 0),
    }
    found = (pl.when(leads[way].fill_null(value=False)).then(pl.lit(str(way))) for way in ways)
    return rows.with_columns(way=pl.coalesce(*found, pl.lit(None, pl.String)))


def invite_employees(work: Work) -> Mapping[str, Any]:
    """Make logins and send the ways in; counted are each way, what did not go out, and who has no way."""
    asked = work.of(InviteEmployees)
    client = Client.objects.get(pk=work.request.client_id)
    people = employees_to_invite(work.connection, client.pk, work.now.date(), asked.ways)
    reachable = people.drop_nulls("way").sort("way", maintain_order=True)
    done: Counter[str] = Counter()
    for batch in reachable.iter_slices(AT_ONCE):
        for (way,), rows in batch.group_by("way", maintain_order=True):
            with transaction.atomic():
                done += _invite(work, client, Way(way), rows, asked.site.rstrip("/"))
        work.say(done.total(), reachable.height)
    nobodys = people.height - reachable.height
    ways = {"invited": done[Way.EMAIL], "texted": done[Way.TEXT], "letters": done[Way.LETTER]}
    return ways | {"not_sent": done["not_sent"], "no_way": nobodys}


def _invite(work: Work, client: Client, way: Way, rows: pl.DataFrame, site: str) -> Counter[str]:
    """Invite some people by one way; who could not be told gets no login either, and counts as not sent."""
    done: Counter[str] = Counter()
    letters = []
    for row in rows.iter_rows(named=True):
        try:
            with transaction.atomic(), override(row["language"]):
                user = _login(work, client, way, row)
                if way is Way.LETTER:
                    letters.append({"person_id": row["person_id"]} | _letter(work, user, row, site))
                else:
                    _send(work, way, user, row, site)
        except (RoleRefused, httpx.HTTPError):
            done["not_sent"] += 1
        else:
            done[str(way)] += 1
    if letters:
        issue_notices(
            work.connection,
            client.pk,
            pl.DataFrame(letters),
            on=work.now.date(),
            now=work.now,
            actor=work.request.author,
            channel=Channel.PRINT,
        )
    return done


def _login(work: Work, client: Client, way: Way, row: Mapping[str, Any]) -> User:
    return invite_employee(
        client.pk,
        client.code,
        row["person_id"],
        row["employee_number"],
        email=row["email"] if way is Way.EMAIL else "",
        mobile=row["mobile"] if way is Way.TEXT else "",
        author=work.request.author,
        now=work.now,
    )


def _send(work: Work, way: Way, user: User, row: Mapping[str, Any], site: str) -> None:
    if way is Way.EMAIL:
        send_invitation(user, site)
        return
    last_on = work.now.date() + timedelta(days=INVITED_DAYS)
    link = f"{site}/sign-in/{invitation_code(user, last_on)}"
    told = {"link": link, "day": days_said(last_on, [row["language"]])[row["language"]]}
    send_text(row["mobile"], _("You can now sign in for your benefits, once, until %(day)s: %(link)s") % told)


def _letter(work: Work, user: User, row: Mapping[str, Any], site: str) -> dict[str, str]:
    """Write the letter with the code: title and body, in the active language."""
    last_on = work.now.date() + timedelta(days=INVITED_BY_POST_DAYS)
    paragraphs = (
        _("You can now see and choose your benefits in a browser, on a computer or a phone."),
        _("Open %(place)s and type this code there:") % {"place": f"{site}/sign-in/"},
        invitation_code(user, last_on),  # a line of its own, so that it is not broken
        _("It works once, until %(day)s. Keep it to yourself.")
        % {"day": days_said(last_on, [row["language"]])[row["language"]]},
        _("Then set up a passkey, or add your mobile number: with it you come in later."),
    )
    return {"title": _("Your way to your benefits"), "body": "\n\n".join(paragraphs)}
