"""What a client's bundle offered on a day, read as the take-over needs it: not the kernel, and no prices."""

from datetime import date
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import yaml

from openbenefits.core.days import age_years, months_of_service
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.sections.amounts import FormulaPart
from openbenefits.programs.sections.eligibility import CriterionPart
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, ProgramPart


def read_client(folder: Path) -> ClientBundle:
    """Read a client's YAML files. They are ours: what is wrong with them raises."""
    sections: dict[str, Any] = {}
    for file in sorted(folder.glob("*.yaml")):
        for name, value in yaml.load(file.read_bytes(), Loader=_Loader).items():  # noqa: S506 - a safe loader
            sections[name] = sections.get(name, []) + value if isinstance(value, list) else value
    return msgspec.convert(sections, ClientBundle, strict=False)


class _Loader(yaml.CSafeLoader):
    """The safe loader, with decimal numbers left as they are written."""


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def programs_on(bundle: ClientBundle, day: date) -> list[ProgramPart]:
    """Choose the version of each program that holds on a day."""
    held: dict[str, ProgramPart] = {}
    for program in sorted(bundle.programs, key=lambda part: part.valid_from):
        if program.valid_from <= day and program.active:
            held[program.code] = program
    return list(held.values())


def plan_type(program: ProgramPart, code: str) -> PlanTypePart | None:
    """Find a plan type of a program."""
    return next((part for part in program.plan_types if part.plan_type == code), None)


def option_code(option: OptionPart, coverage_code: pl.Expr) -> pl.Expr:
    """Write the code of an option with several coverage codes."""
    return pl.lit(option.code + "-") + coverage_code


def eligible(bundle: ClientBundle, rule: str | None, day: date) -> pl.Expr:
    """Tell who meets a rule on a day."""
    if rule is None:
        return pl.lit(value=True)
    parts = [part for part in bundle.eligibility_rules if part.code == rule]
    return pl.all_horizontal(_meets(one, day) for one in _last(parts).criteria)


def formula(bundle: ClientBundle, code: str, day: date) -> pl.Expr:
    """Compute a coverage amount in whole dollars; unknown pay gives none."""
    part: FormulaPart = _last([part for part in bundle.formulas if part.code == code])
    divisor = {"annual_pay": 1, "monthly_pay": 12, "weekly_pay": 52}[part.base]
    base = pl.col("annual_pay").cast(pl.Float64)
    if part.base_cap is not None:
        base = base.clip(upper_bound=float(part.base_cap))
    amount = reduce(_step, part.steps, base / divisor)
    age = age_years(pl.col("birth_date"), day)
    kept = pl.lit(1.0)
    for reduction in sorted(part.age_reductions, key=lambda one: one.age_from):
        kept = (
            pl.when(age >= reduction.age_from).then(float(1 - reduction.reduce_percent / 100)).otherwise(kept)
        )
    amount = amount * kept
    return amount.clip(_float(part.minimum), _float(part.maximum)).round().cast(pl.Int64)


def _step(amount: pl.Expr, step: Any) -> pl.Expr:
    if step.multiply is not None:
        return amount * float(step.multiply)
    if step.add is not None:
        return amount + float(step.add)
    if step.set is not None:
        return amount * 0 + float(step.set)
    unit, up = float(step.round_to), float(step.round_up or 0)
    return ((amount.round(2) + up) / unit).floor() * unit


def _meets(criterion: CriterionPart, day: date) -> pl.Expr:
    value = {
        "age_years": age_years(pl.col("birth_date"), day),
        "service_months": months_of_service(pl.col("hire_date"), day),
    }.get(criterion.field, pl.col(criterion.field))
    if criterion.values is not None:
        met = value.is_in(criterion.values)
    else:
        low, high = _float(criterion.min), _float(criterion.max)
        met = pl.lit(value=True) if low is None else value >= low
        met = met if high is None else met & (value <= high)
    return ~met if criterion.exclude else met


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


def _last(parts: list[Any]) -> Any:
    return max(parts, key=lambda part: part.valid_from)
