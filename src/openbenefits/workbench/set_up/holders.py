"""Whose set-up a page is about: a client's, or the PEO's. Each page exists for both."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.audit.graph import Record, edges_of, own_records, used_records
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.drafts.records import sections_of
from openbenefits.programs.drafts.services import Base, base_of
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Bundle
from openbenefits.programs.services import loaded_in_force
from openbenefits.workbench.pages import Section, Words, address, client_of, page
from openbenefits.workforce.models import Client

PEO_PATH = "peo"
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Holder:
    """Whose set-up it is; without a client, the PEO's."""

    client: Client | None

    @property
    def client_id(self) -> int:
        return self.client.pk if self.client else PEO

    @property
    def name(self) -> str:
        return self.client.name if self.client else str(_("the PEO"))

    @cached_property
    def bundle_code(self) -> str:
        if self.client:
            return self.client.code
        return Bundle.objects.filter(client_id=PEO).values_list("code", flat=True).first() or PEO_PATH

    @cached_property
    def base(self) -> Base:
        """The set-up in force as plain data."""
        return base_of(self.client_id, code=self.bundle_code)

    @cached_property
    def peo(self) -> LoadedBundle | None:
        return loaded_in_force(PEO)

    @cached_property
    def loaded(self) -> LoadedBundle | None:
        """The set-up in force."""
        return loaded_in_force(self.client_id)

    @property
    def kind(self) -> type[PeoBundle | ClientBundle]:
        return ClientBundle if self.client else PeoBundle

    @cached_property
    def used(self) -> set[Record]:
        """The records that the client's programs, schedules and calendars lead to."""
        if self.client is None or self.loaded is None or self.peo is None:
            return set()
        return used_records(self.loaded, self.peo)

    @cached_property
    def own(self) -> set[Record]:
        return set(own_records(self.loaded)) if self.loaded else set()

    @cached_property
    def peos(self) -> set[Record]:
        return set(own_records(self.peo)) if self.peo else set()

    def standing(self, record: Record) -> str:
        """Say whether a record is inherited, overridden or own; of the PEO's all are own."""
        if record in self.own:
            return "overridden" if self.client and record in self.peos else "own"
        return "inherited" if record in self.used else "not used"

    @cached_property
    def users_of(self) -> dict[Record, list[Record]]:
        """Which records name each record."""
        if self.loaded is None:
            return {}
        found: dict[Record, list[Record]] = {}
        audited = Audited(bundle=self.loaded, peo=self.peo or self.loaded)
        for user, named in edges_of(audited).items():
            for one in dict.fromkeys(named):
                found.setdefault(one, []).append(user)
        return found

    def address(self, name: str, **parts: Any) -> str:
        """Answer the address of a page of this set-up."""
        if self.client:
            return address(name, client=self.client.code, **parts)
        return address(f"peo_{name}", **parts)

    def record_address(self, section: str, code: str) -> str:
        """Answer where a record is shown: at the client if it has one of its own, else at the PEO."""
        own = self if self.client is None or (section, code) not in self.peos - self.own else Holder(None)
        return own.address("setup_record", section=section, code=code)

    def crumbs(self, *more: tuple[Words, str]) -> list[tuple[Words, str]]:
        """Answer the way to a page below the set-up."""
        return [(_("Set-up"), self.address("setup")), *more]


def setup_page(
    where: str,
    *,
    name: str,
    title: Words,
    section: Section | None = None,
    permission: Permission = Permission.SEE,
    peo_title: Words | None = None,
) -> Callable[[View], View]:
    """Register a page below `set-up/` for each client and for the PEO; the view is given the holder.

    The PEO's set-up is read by all staff, as its clients go by it; who changes it needs the permission there.
    """

    def registered(view: View) -> View:
        def of_peo(request: Any, **parts: Any) -> HttpResponse:
            if permission is not Permission.SEE:
                request.access.require(permission, PEO)
            return view(request, Holder(None), **parts)

        def of_client(request: Any, client: str, **parts: Any) -> HttpResponse:
            return view(request, Holder(client_of(request, client)), **parts)

        page(f"{PEO_PATH}/set-up/{where}", name=f"peo_{name}", title=peo_title or title,
             section=section, permission=permission)(of_peo)  # fmt: skip
        page(f"<client:client>/set-up/{where}", name=name, title=title, section=section,
             permission=permission)(of_client)  # fmt: skip
        return view

    return registered


def section_of(holder: Holder, section: str) -> Any:
    """Answer the type of the records of a section.

    Errors: Http404 for a section there is not.
    """
    found = sections_of(holder.kind).get(section)
    if found is None:
        raise Http404
    return found
