"""What a year with a plan would cost for the use one expects: premiums, and what one pays oneself. Pure.

The charges are assumptions of ours, the same for every plan, so that plans can be compared; nobody is billed
by them. A copay is paid as it is, the rest goes to the deductible first and then to the coinsurance, and all
of it together ends at the most out of pocket.
"""

from dataclasses import dataclass, fields

from openbenefits.choosing.offered import Design

PRIMARY_CHARGE_CENTS = 150_00
SPECIALIST_CHARGE_CENTS = 250_00
EMERGENCY_CHARGE_CENTS = 1_800_00
DRUG_CHARGE_CENTS = 60_00
WHOLE = 100_000
"""100 percent, in thousandths of a percent."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a household expects to need in a year. `other_cents`: hospital, tests and the like, as charged."""

    primary_visits: int = 0
    specialist_visits: int = 0
    emergency_visits: int = 0
    drugs: int = 0  # fills of a prescription
    other_cents: int = 0


LEVELS = {
    "low": Use(primary_visits=2, drugs=2),
    "medium": Use(primary_visits=4, specialist_visits=3, emergency_visits=1, drugs=12, other_cents=1_500_00),
    "high": Use(primary_visits=8, specialist_visits=12, emergency_visits=2, drugs=36, other_cents=30_000_00),
}
"""What is meant by little, some and much use."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a year would cost. Cents."""

    premium_cents: int
    copay_cents: int
    deductible_cents: int
    coinsurance_cents: int
    is_capped: bool  # the most out of pocket was reached

    own_cents: int

    @property
    def total_cents(self) -> int:
        """Premiums and own costs together."""
        return self.premium_cents + self.own_cents


def estimate(design: Design, use: Use, *, premium_cents: int, is_family: bool) -> Estimate:
    """Estimate a year of a household.

    `premium_cents` is what pays of a year take for the plan. For a family the family's deductible and most
    out of pocket count, as if all its members' costs came together.
    """
    copays, charged = _services(design, use)
    deductible = design.family_deductible_cents if is_family else design.deductible_cents
    most = design.family_out_of_pocket_max_cents if is_family else design.out_of_pocket_max_cents
    within = min(charged, deductible)
    shared = _share(charged - within, design.coinsurance_thousandths)
    own = copays + within + shared
    return Estimate(
        premium_cents=premium_cents,
        copay_cents=copays,
        deductible_cents=within,
        coinsurance_cents=shared,
        is_capped=own > most,
        own_cents=min(own, most),
    )


def _services(design: Design, use: Use) -> tuple[int, int]:
    """What copays take, and what is charged for the rest."""
    services = (
        (use.primary_visits, design.primary_visit_cents, PRIMARY_CHARGE_CENTS),
        (use.specialist_visits, design.specialist_visit_cents, SPECIALIST_CHARGE_CENTS),
        (use.emergency_visits, design.emergency_visit_cents, EMERGENCY_CHARGE_CENTS),
        (use.drugs, design.drug_cents, DRUG_CHARGE_CENTS),
    )
    copays = sum(count * min(copay, charge) for count, copay, charge in services if copay is not None)
    charged = sum(count * charge for count, copay, charge in services if copay is None)
    return copays, charged + use.other_cents


def _share(cents: int, thousandths: int) -> int:
    """A percentage of cents, rounded half up."""
    return (cents * thousandths * 2 + WHOLE) // (WHOLE * 2)


def use_of(values: dict[str, int]) -> Use:
    """Make a use of named numbers; what is not named is 0."""
    return Use(**{one.name: values.get(one.name, 0) for one in fields(Use)})
