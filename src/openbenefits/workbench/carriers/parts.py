"""What the pages of carrier enrolment share: whose an agreement is, words of states, the way back, notes."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.carriers.agreements.partners import (
    PEO,
    Partner,
    PartnerRefused,
    partner_of,
    read_partner,
    with_values,
)
from openbenefits.carriers.models import CarrierFile, PartnerVersion
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import Words, address, client_of
from openbenefits.workforce.models import Client

PEO_PATH = "peo"
NUL = "\x00"
STATES: dict[str, Words] = {
    "built": _("built"),
    "invalid": _("not valid"),
    "validated": _("validated"),
    "held": _("held for a person"),
    "released": _("released"),
    "withdrawn": _("withdrawn"),
    "sent": _("sent"),
    "received": _("received there (TA1)"),
    "not read": _("not read there (TA1)"),
    "accepted": _("accepted (999)"),
    "accepted with errors": _("accepted with errors (999)"),
    "accepted in part": _("accepted in part (999)"),
    "rejected": _("rejected (999)"),
    "confirmed": _("confirmed by its report"),
    "reconciled": _("reconciled"),
}
WAITS = {
    "built": _("its validation"),
    "invalid": _("a correction of what was found; then a new build"),
    "validated": _("somebody to release it"),
    "held": _("somebody to look at why it is held"),
    "released": _("its transfer"),
    "sent": _("a 999 of the carrier"),
    "received": _("a 999 of the carrier"),
    "accepted": _("the carrier's business report"),
    "accepted with errors": _("the carrier's business report"),
    "accepted in part": _("the carrier's business report; refused sets go again with the next build"),
    "not read": _("the next build: it says everything again"),
    "rejected": _("the next build: it says everything again"),
}
PURPOSES: dict[str, Words] = {"2": _("changes"), "4": _("full audit"), "RX": _("replacement"), "": ""}
ENVIRONMENTS: dict[str, Words] = {"T": _("test"), "P": _("production")}
TONES = {
    "confirmed": "good",
    "reconciled": "good",
    "accepted": "good",
    "invalid": "bad",
    "not read": "bad",
    "rejected": "bad",
    "accepted in part": "bad",
    "held": "waiting",
    "validated": "waiting",
    "released": "waiting",
    "accepted with errors": "waiting",
}
KINDS: dict[str, Words] = {
    "add": _("added"),
    "plan change": _("another plan"),
    "renewal": _("renewed"),
    "tier change": _("another tier"),
    "amount change": _("another amount"),
    "doctor change": _("another doctor"),
    "in a list": _("in a list"),
    "loss": _("loss of coverage"),
    "contribution": _("contributions of pays"),
    "premium": _("premium"),
    "cobra": _("to COBRA"),
    "basis change": _("covered for another reason"),
    "reinstated": _("reinstated"),
    "reinstated after a gap": _("reinstated after a gap"),
    "correction": _("corrected"),
    "begin moved": _("begin moved"),
    "drop": _("ended"),
    "end earlier": _("end moved earlier"),
    "end later": _("end moved later"),
    "void": _("void: it never was"),
    "listed": _("listed"),
    "ended lately": _("ended lately"),
    "": _("the person only"),
}
"""What is said of a line (`carriers.rules.differences`), in words."""
WHO: dict[str, Words] = {"self": _("employee"), "dependent": _("dependent")}
SHARED = _("several clients")


@dataclass(frozen=True)
class Owner:
    """Whose agreement it is; without a client, the PEO's for all its clients."""

    client: Client | None

    @property
    def client_id(self) -> int:
        return int(self.client.pk) if self.client else PEO

    @property
    def path(self) -> str:
        return self.client.code if self.client else PEO_PATH

    @property
    def name(self) -> str:
        return self.client.name if self.client else str(_("the PEO"))


def owner_of(request: Any, path: str, permission: Permission) -> Owner:
    """Find whose agreement an address means, where one may do something of it.

    Errors: Http404; NotAllowed.
    """
    if NUL in path:
        raise Http404
    owner = Owner(None if path == PEO_PATH else client_of(request, path))
    request.access.require(permission, owner.client_id)
    return owner


def agreement(request: Any, path: str, code: str) -> tuple[Owner, PartnerVersion, Partner]:
    """Find an agreement one may read: one's client's, or the PEO's; the latest version.

    Errors: Http404; NotAllowed.
    """
    if NUL in path + code:
        raise Http404
    owner = Owner(None) if path == PEO_PATH else owner_of(request, path, Permission.SEE)
    versions = PartnerVersion.objects.filter(client_id=owner.client_id, code=code).order_by("-version")
    row = next(iter(with_values(versions[:1])), None)
    if row is None:
        raise Http404
    return owner, row, read_partner(row.document)


def in_force(client_id: int, code: str) -> tuple[int, int, Partner]:
    """Answer the agreement in force for a client, as `partner_of`.

    Errors: Http404.
    """
    if NUL in code:
        raise Http404
    try:
        return partner_of(client_id, code)
    except PartnerRefused as refused:
        raise Http404(str(refused)) from refused


def file_of(request: Any, number: int, permission: Permission = Permission.SEE) -> CarrierFile:
    """Find a file one may look at, without its content.

    Errors: Http404 if there is none, or it is not his to see; NotAllowed.
    """
    found = CarrierFile.objects.defer("content", "said").filter(pk=number).first()
    if found is None:
        raise Http404
    request.access.require(permission, found.client_id)
    return found


def client_codes() -> dict[int, str]:
    """Answer the codes of the clients one may see, by number; 0 stands for several."""
    return {PEO: str(SHARED), **dict(Client.objects.values_list("pk", "code"))}


def clients_for(request: Any, permission: Permission) -> list[int]:
    """Answer the clients somebody may do something of; 0 for files of several."""
    return [one for one in client_codes() if request.access.may(permission, one)]


def owner_path(client_id: int) -> str:
    """Answer how an address names whose an agreement is."""
    if client_id == PEO:
        return PEO_PATH
    return Client.objects.filter(pk=client_id).values_list("code", flat=True).first() or PEO_PATH


def crumbs(*more: tuple[Words, str]) -> list[tuple[Words, str]]:
    """Answer the way to a page of carriers."""
    return [(_("Carriers"), address("carriers")), *more]


def noted_of(request: Any, kind: str, what: str, file: CarrierFile, why: str = "") -> None:
    """Write down what somebody saw of a file, or did."""
    noted(request, kind, f"{what} {file.pk}", file.client_id, why=why)
