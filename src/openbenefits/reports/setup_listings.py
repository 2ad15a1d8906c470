"""Listings of set-up in force: programs, costs, eligibility rules, event rules; and the audit of a client."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from openbenefits.programs.findings import Finding
from openbenefits.programs.loaded import ReleaseUnreadable
from openbenefits.programs.services import audit_in_force
from openbenefits.reports import setup_frames
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import money_text
from openbenefits.runs.audit import audit_people

COST_TYPES = {"P": "price", "C": "credit"}
TAX_CLASSES = {"B": "before tax", "A": "after tax", "T": "taxable benefit", "N": "nontaxable benefit"}
OPTION_TYPES = {"O": "option", "W": "waiver", "G": "general credit", "D": "general deduction"}
FINDING = ("severity", "code", "where", "expected", "found", "cure")
Sheets = Mapping[str, pl.DataFrame]


def programs_listed(connection: Any, client: str | None) -> Sheets:
    """List benefit programs, their plan types and options (BAS701A)."""
    rows = _mine(setup_frames.load_programs(connection), client)
    named = rows.with_columns(plan_type_name(), _words("option_type", OPTION_TYPES)).drop("display_order")
    programs = named.group_by("client", "program", "program_name", "valid_from", maintain_order=True).agg(
        plan_types=pl.col("plan_type").n_unique(), options=pl.col("option").count()
    )
    return {"Options": named, "Programs": programs}


def costs_listed(connection: Any, client: str | None) -> Sheets:
    """List what the options cost and are credited with (BAS701B)."""
    rows = _mine(setup_frames.load_costs(connection), client)
    words = (_words("cost_type", COST_TYPES), _words("tax_class", TAX_CLASSES))
    return {"Costs": rows.with_columns(plan_type_name(), *words)}


def rules_listed(connection: Any, client: str | None) -> Sheets:
    """List eligibility rules, criterion by criterion, those of the PEO too (BAS703A)."""
    return {"Eligibility rules": _or_of_peo(setup_frames.load_rules(connection), client)}


def event_rules_listed(connection: Any, client: str | None) -> Sheets:
    """List event rules, class by class, those of the PEO too (BAS703B)."""
    rows = _or_of_peo(setup_frames.load_event_rules(connection), client)
    guaranteed = money_text(pl.col("proof_above_cents")).alias("proof_above")
    return {"Event rules": rows.with_columns(guaranteed).drop("proof_above_cents")}


def audited(connection: Any, clients: pl.DataFrame, as_of: date) -> Sheets:
    """List what is to be put right before anything is processed: of people, of set-up (BEN733).

    Shapes: clients have client_id and client.
    """
    ids = clients["client_id"].to_list()
    people = audit_people(connection, ids, as_of).join(clients, on="client_id", how="left")
    numbers = setup_frames.load_numbers(connection, ids)
    named = people.join(numbers, on="person_id", how="left", maintain_order="left")
    listed = named.select("client", "employee_number", "code", "expected", "found", "cure")
    found = [
        (client, *(str(getattr(one, name)) for name in FINDING))
        for client_id, client in clients.select("client_id", "client").iter_rows()
        for one in _findings(client_id)
    ]
    schema = dict.fromkeys(("client", *FINDING), pl.String)
    return {"People": listed, "Set-up": pl.DataFrame(found, schema=schema, orient="row")}


def _findings(client_id: int) -> list[Finding]:
    """Audit the set-up of a client; that it cannot be read is a finding, too."""
    try:
        return audit_in_force(client_id)
    except ReleaseUnreadable as fault:
        return [
            Finding(
                code="unreadable",
                where="bundle",
                expected="set-up that this version of the product reads",
                found=str(fault),
                cure="Apply the bundle again.",
            )
        ]


def _mine(rows: pl.DataFrame, client: str | None) -> pl.DataFrame:
    return rows if client is None else rows.filter(client=client)


def _or_of_peo(rows: pl.DataFrame, client: str | None) -> pl.DataFrame:
    return rows if client is None else rows.filter(pl.col("owner").is_in([client, "PEO"]))


def _words(column: str, words: Mapping[str, str]) -> pl.Expr:
    return pl.col(column).replace(words)
