"""Whose the lines of an invoice are: matched, asked about, confirmed by a person and remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Max

from openbenefits.reconcile import models
from openbenefits.reconcile.frames import load_identities, load_references, load_rows
from openbenefits.reconcile.loading import InvoiceRefused, unmapped
from openbenefits.reconcile.models import Invoice, PersonReference
from openbenefits.reconcile.reading import last4_hash
from openbenefits.reconcile.rules import matching
from openbenefits.reconcile.states import InvoiceState, Kind
from openbenefits.reconcile.terms import terms_of
from openbenefits.store import secrets
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.workforce.models import Client, Person

ASKED = {
    "identity": pl.String,
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "employee_number": pl.String,
    "step": pl.String,
    "confidence": pl.Int16,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "member_id": pl.String,
    "lines": pl.Int64,
    "premium_cents": pl.Int64,
    "our_last_name": pl.String,
    "our_first_name": pl.String,
    "our_birth_on": pl.Date,
}
ASKED_ABOUT = """
SELECT l.identity, m.client_id, m.person_id, p.employee_number, m.step, m.confidence,
       min(l.last_name) AS last_name, min(l.first_name) AS first_name, min(l.birth_on) AS birth_on,
       min(l.member_id) AS member_id, count(*) AS lines, sum(l.premium_cents)::bigint AS premium_cents,
       min(f.last_name) AS our_last_name, min(f.first_name) AS our_first_name, min(f.birth_on) AS our_birth_on
FROM reconcile_linematch AS m
JOIN reconcile_invoiceline AS l ON l.invoice_id = m.invoice_id AND l.line = m.line
LEFT JOIN workforce_person AS p ON p.id = m.person_id
LEFT JOIN LATERAL (
    SELECT last_name, first_name, birth_on FROM workforce_personfact AS f
    WHERE f.client_id = m.client_id AND f.person_id = m.person_id AND NOT f.is_deleted
    ORDER BY valid_from DESC, version DESC LIMIT 1
) AS f ON true
WHERE m.invoice_id = %(invoice)s AND m.standing = %(standing)s
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY m.confidence DESC, l.identity
"""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """How many lines are somebody's, asked about, nobody's."""

    matched: int
    asked: int
    unmatched: int


def clients_of(invoice: Invoice) -> list[int]:
    """Name the clients an invoice may be about: its own, or those whose subgroups its carrier prints."""
    if invoice.client_id:
        return [int(invoice.client_id)]
    codes = set(terms_of(invoice.carrier).subgroups.values())
    return list(Client.objects.filter(code__in=codes).order_by("pk").values_list("pk", flat=True))


def match_invoice(connection: Any, invoice: Invoice) -> Matched:
    """Match the lines of an invoice with people; what a person has confirmed stays so. Again gives the same.

    Errors: InvoiceRefused while labels are without a meaning.
    """
    refuse_unmapped(connection, invoice)
    lines = load_rows(connection, models.InvoiceLine, invoice.pk)
    if invoice.kind == Kind.SUMMARY:  # it names nobody
        lines = lines.clear()
    known = load_identities(connection, clients_of(invoice))
    if lines["last4_hash"].null_count() < lines.height:
        opened = secrets.decrypt_ssn(known["ssn_sealed"].alias("ssn"))
        known = known.with_columns(last4_hash(opened))
    else:
        known = known.with_columns(last4_hash=pl.lit(None, pl.String))
    asked = lines.with_columns(client_id=pl.when(pl.col("client_id") > 0).then("client_id"))
    found = matching.match(asked, known, load_references(connection, invoice.carrier))
    told = ("invoice_id", "line", "identity", "relationship", "last_name", "first_name", "birth_on")
    rows = asked.select(*told, of_client="client_id").join(
        found, on=["identity", "of_client"], how="left", nulls_equal=True, maintain_order="left"
    )
    whose = matching.dependents_lines(rows, known)
    rows = rows.with_columns(whose, client_id=pl.coalesce("client_id", "of_client").fill_null(0))
    schema = schema_of(models.LineMatch)
    with transaction.atomic(using=connection.alias):
        models.LineMatch.objects.using(connection.alias).filter(invoice_id=invoice.pk).delete()
        copy_in(connection, "reconcile_linematch", rows.select(pl.col(n).cast(k) for n, k in schema.items()))
        if invoice.state == InvoiceState.LOADED:
            invoice.state = str(InvoiceState.MATCHED)
            invoice.save(update_fields=["state"])
    counts = dict(rows["standing"].value_counts().iter_rows())
    return Matched(
        matched=counts.get("matched", 0), asked=counts.get("ask", 0), unmatched=counts.get("unmatched", 0)
    )


def refuse_unmapped(connection: Any, invoice: Invoice) -> None:
    """Refuse to go on while plans or tiers as printed are without a meaning.

    Errors: InvoiceRefused, with the labels.
    """
    rows = unmapped(connection, invoice).filter(pl.col("kind") != "subgroups")
    if rows.height:
        said = "; ".join(f"{kind[:-1]} '{label}' ({lines} lines)" for kind, label, lines in rows.iter_rows())
        raise InvoiceRefused(
            f"invoice {invoice.number}: expected a meaning of every plan and tier, found none of"
            f" {said}; map them"
        )


def asked_about(connection: Any, invoice: Invoice, standing: str = "ask") -> pl.DataFrame:
    """List whom somebody must be asked about, surest first, as ASKED; or those nobody was found for."""
    return copy_out(connection, ASKED_ABOUT, ASKED, {"invoice": invoice.pk, "standing": standing})


def confirm(
    connection: Any,
    invoice: Invoice,
    answers: Mapping[str, int | None],
    *,
    author: str,
    now: datetime,
) -> Matched:
    """Write down who identities are (null: nobody of ours), and match the invoice anew.

    Errors: InvoiceRefused for an identity that is not on the invoice, or a person of another client.
    """
    lines = models.InvoiceLine.objects.filter(invoice_id=invoice.pk)
    own = dict(lines.filter(identity__in=list(answers)).values_list("identity", "client_id"))
    clients = set(clients_of(invoice))
    with transaction.atomic(using=connection.alias):
        for identity, person_id in answers.items():
            if identity not in own:
                raise InvoiceRefused(
                    "expected somebody on this invoice, found nobody; look at its list again"
                )
            person = None if person_id is None else Person.objects.filter(pk=person_id).first()
            if person_id is not None and (person is None or person.client_id not in clients):
                raise InvoiceRefused(
                    "expected a person of a client on this invoice, found none; choose another"
                )
            client_id = person.client_id if person else own[identity]
            known = PersonReference.objects.filter(carrier=invoice.carrier, identity=identity)
            last = known.aggregate(last=Max("version"))["last"] or 0
            PersonReference.objects.create(
                client_id=client_id,
                carrier=invoice.carrier,
                identity=identity,
                version=last + 1,
                person_id=person_id,
                author=author,
                made_at=now,
            )
        return match_invoice(connection, invoice)
