"""What somebody states for one plan type: the option and all that goes with it. A record of plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

WAIVER = "WAIVE"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A choice for a plan type, as the engine's `election_cells` takes it.

    Units: cents of a year, thousandths of a percent, hundredths of an hour; dependents and beneficiaries by
           the number people see, shares in hundredths of a percent, funds in whole percent.
    """

    option_code: str
    pledge_cents: int | None = None
    percent_thousandths: int | None = None
    after_tax_thousandths: int | None = None
    hours_hundredths: int | None = None
    files_separately: bool = False
    dependents: tuple[int, ...] = ()
    funds: tuple[tuple[str, int], ...] = ()
    beneficiaries: tuple[tuple[int, int], ...] = ()
    contingent_beneficiaries: tuple[tuple[int, int], ...] = ()
    waive_reason: str | None = None
    waiver_proof: str | None = None
    waiver_proof_on: date | None = None

    @property
    def is_waiver(self) -> bool:
        """Whether it declines the plan type."""
        return self.option_code == WAIVER

    def cells(self) -> dict[str, Any]:
        """Answer it as the keywords of `enrollment.entry_cells.election_cells`."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        mapped = ("funds", "beneficiaries", "contingent_beneficiaries")
        return told | {name: dict(told[name]) for name in mapped}

    def to_json(self) -> dict[str, Any]:
        """Answer what JSON can hold; what says nothing is left out."""
        told = asdict(self)
        told["waiver_proof_on"] = self.waiver_proof_on and self.waiver_proof_on.isoformat()
        silent = (None, ())
        return {name: value for name, value in told.items() if value not in silent and value is not False}


def from_json(told: Mapping[str, Any]) -> Stated:
    """Read what `Stated.to_json` wrote."""
    pairs = {
        name: tuple((one, share) for one, share in told[name])
        for name in ("funds", "beneficiaries", "contingent_beneficiaries")
        if name in told
    }
    more: dict[str, Any] = dict(told) | pairs
    if "dependents" in told:
        more["dependents"] = tuple(told["dependents"])
    if "waiver_proof_on" in told:
        more["waiver_proof_on"] = date.fromisoformat(told["waiver_proof_on"])
    return Stated(**more)
