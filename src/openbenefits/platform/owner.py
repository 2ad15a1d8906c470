"""Who corrects deductions: one side only (rulings §5.4). Both, or nobody, stops what we would send."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.codes import RetroOwner
from openbenefits.payroll.ledger import terms_of
from openbenefits.payroll.retro import mismatches
from openbenefits.platform.client.session import Session
from openbenefits.platform.client.values import text, truth
from openbenefits.platform.models import Look
from openbenefits.platform.seen import load_seen

CURE = "set the flags at the platform, or change who corrects in the set-up"


def owner_of(connection: Any, client_id: int, on: date) -> RetroOwner:
    """Answer who corrects deductions of a client on a day, by its set-up."""
    terms = terms_of(connection, client_id).filter(pl.col("valid_from") <= on).sort("valid_from")
    return RetroOwner(terms["retro_owner"][-1]) if terms.height else RetroOwner.OURS


def disagreement(connection: Any, client_id: int, look: Look, on: date) -> str:
    """Say where the flags of the platform contradict who corrects; blank: they agree.

    A plan corrects nothing there if the client, or the plan, suppresses automatic adjustments.
    """
    client = load_seen(connection, look, "client")["is_suppressing"].fill_null(value=False)
    plans = load_seen(connection, look, "setup")
    is_suppressed = pl.col("is_suppressing").fill_null(value=False) | pl.lit(bool(client.any()))
    return _said(
        owner_of(connection, client_id, on), plans.filter(~is_suppressed)["plan"].to_list(), plans.height
    )


def disagreement_now(session: Session, client: str, owner: RetroOwner) -> str:
    """Ask the platform itself, before anything is sent; blank: the flags agree with who corrects."""
    master = session.call("getClientMaster", clientId=client).get("clientMaster") or {}
    plans = [text(one.get("planId")) for one in session.rows("getClientBenefitPlans", clientId=client)]
    if truth(master.get("suppressAutoBenAdj")):
        return _said(owner, [], len(plans))
    correcting = []
    for plan in plans:
        asked = {"clientId": client, "planId": plan, "planClass": "G"}
        found = session.call("getClientBenefitPlanSetupDetails", **asked).get("benefitPlanDetail") or {}
        if not truth(found.get("planSuppBenAdj")):
            correcting.append(plan)
    return _said(owner, correcting, len(plans))


def _said(owner: RetroOwner, correcting: list[str], plans: int) -> str:
    if owner is RetroOwner.OURS and correcting:
        return (
            "we correct deductions: expected automatic adjustments suppressed there, found them on for"
            f" {', '.join(sorted(correcting))}; {CURE}"
        )
    if owner is RetroOwner.PAYROLL and len(correcting) < plans:
        return (
            "payroll corrects deductions: expected automatic adjustments on there, found them suppressed for"
            f" {plans - len(correcting)} of {plans} plans; {CURE}"
        )
    return ""


def stops(
    connection: Any, session: Session, client_id: int, client: str, on: date, despite: str
) -> dict[str, str]:
    """Answer which elements may not be sent, and why: corrections where payroll, or both, correct."""
    owner = owner_of(connection, client_id, on)
    if owner is RetroOwner.PAYROLL:
        words = "payroll corrects deductions by itself: none of ours is sent"
        return dict.fromkeys(("adjustment", "adjustment removed"), words)
    words = disagreement_now(session, client, owner)
    if not words and not despite.strip():
        wrong = mismatches(connection, client_id, on).height
        words = f"{wrong} deductions do not agree with who corrects them; settle them first" if wrong else ""
    return dict.fromkeys(("adjustment", "adjustment removed"), words) if words else {}
