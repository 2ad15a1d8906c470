"""What every page of the portal shares: an employee signed in, his rights, the trail written, the frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, NotAllowed, note
from openbenefits.choosing.drafts import By, unsent_of
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.programs.translations import load_translations
from openbenefits.reports.spoken import named_by

View = Callable[..., HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Me:
    """The employee who is signed in, and when it is."""

    access: Access
    client_id: int
    person_id: int
    user_id: int
    author: str
    today: date
    now: datetime

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every number he is known under, his own first."""
        return self.access.numbers or (self.person_id,)

    def by(self) -> By:
        """Who acts, as the services ask for it."""
        return By(user_id=self.user_id, author=self.author, now=self.now)

    def did(self, what: str, *, reason: str = "") -> None:
        """Write an act into the audit trail."""
        self._note("did", what, reason)

    def saw(self, what: str) -> None:
        """Write a page seen into the audit trail."""
        self._note("saw", what, "")

    def _note(self, kind: str, what: str, reason: str) -> None:
        note(
            self.access,
            kind,
            what,
            client_id=self.client_id,
            person_id=self.person_id,
            reason=reason,
            now=self.now,
        )

    def place(self, schedule: int, number: int, record: int) -> EventPlace:
        """Name an event of one's own.

        Errors: Http404 where there is none.
        """
        place = EventPlace(
            client_id=self.client_id,
            person_id=self.person_id,
            benefit_record=record,
            schedule_id=schedule,
            event_number=number,
        )
        if not Event.objects.using(connection.alias).filter(**place.key()).exists():
            raise Http404
        return place


def page(name: str) -> Callable[[View], View]:
    """Make a view a page of the portal: of an employee, with his rights, in the audit trail as `name`."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def answer(request: Any, *args: Any, **path: Any) -> HttpResponse:
            me = me_of(request)
            me.access.require(Permission.SEE, me.client_id)
            if request.method == "POST":
                me.access.require(Permission.ELECT, me.client_id)
            else:
                me.saw(f"portal: {name}")
            with named_by(load_translations(connection, me.client_id)):
                return view(request, me, *args, **path)

        return answer

    return decorate


def me_of(request: Any) -> Me:
    """Find the employee who asks.

    Errors: NotAllowed for whoever is none.
    """
    access: Access = request.access
    if access.person_id is None or not access.permissions:
        raise NotAllowed("expected the login of an employee, found another; staff works in the workbench")
    return Me(
        access=access,
        client_id=next(iter(access.permissions)),
        person_id=access.person_id,
        user_id=request.user.pk,
        author=request.user.get_username(),
        today=clock.today(),
        now=clock.now(),
    )


def shown(
    request: HttpRequest, me: Me, template: str, told: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Show a page in the portal's frame, which says on every page what was not submitted."""
    unsent = [(place, url_of("review", place)) for place in unsent_of(connection, me.client_id, me.person_id)]
    frame = {"me": me, "unsent_events": unsent, "today": me.today}
    return render(request, f"portal/{template}", frame | dict(told), status=status)


def posted(request: HttpRequest) -> Any:
    """What a form is filled with: what was sent, even nothing; None where nothing was sent."""
    return request.POST if request.method == "POST" else None


def url_of(name: str, place: EventPlace, **more: Any) -> str:
    """Answer where a page of an event is."""
    key = {
        "schedule": place.schedule_id,
        "number": place.event_number,
        "record": place.benefit_record,
    }
    return reverse(f"portal:{name}", kwargs=key | more)
