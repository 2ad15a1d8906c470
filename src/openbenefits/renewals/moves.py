"""The legal moves of batches, offered plans, plans and underwriting, as data (process-management §4.1, §4.2).

They are rows of `renewals_statusmove`; a trigger refuses every other move, whoever makes it.
"""

from openbenefits.renewals.codes import BatchStatus as B
from openbenefits.renewals.codes import OfferStatus as O
from openbenefits.renewals.codes import PlanStatus as P
from openbenefits.renewals.codes import VerdictStatus as V

BATCH, OFFER, PLAN, VERDICT = "batch", "offer", "plan", "verdict"
FORWARD = (B.PENDING, B.PREPARED, B.REVIEW, B.SELECTION, B.SENT, B.APPROVED, B.ACTIVE, B.EXPIRED)
"""The order of a batch's life; a status that is hidden is passed on the way."""

MOVES: tuple[tuple[str, str, str, str], ...] = (
    (BATCH, B.PENDING, B.PREPARED, "offers are being built"),
    (BATCH, B.PREPARED, B.REVIEW, "the client reviews"),
    (BATCH, B.PREPARED, B.PENDING, "back to preparation"),
    (BATCH, B.REVIEW, B.SELECTION, "choices are recorded"),
    (BATCH, B.REVIEW, B.PREPARED, "offers change again"),
    (BATCH, B.SELECTION, B.SENT, "choices go out for signature"),
    (BATCH, B.SELECTION, B.REVIEW, "back to the client"),
    (BATCH, B.SENT, B.APPROVED, "signed"),
    (BATCH, B.SENT, B.SELECTION, "choices change again"),
    (BATCH, B.APPROVED, B.SELECTION, "the signature is taken back before set-up is in force"),
    (BATCH, B.APPROVED, B.ACTIVE, "the effective date is reached"),
    (BATCH, B.ACTIVE, B.EXPIRED, "replaced by its renewal, or over"),
    (OFFER, O.NEW, O.SELECTED, "chosen"),
    (OFFER, O.NEW, O.REJECTED, "turned down"),
    (OFFER, O.SELECTED, O.REJECTED, "turned down after all"),
    (OFFER, O.REJECTED, O.SELECTED, "chosen after all"),
    (OFFER, O.SELECTED, O.PENDING, "signed for"),
    (OFFER, O.PENDING, O.SELECTED, "the signature is taken back"),
    (OFFER, O.PENDING, O.ACTIVE, "its day is reached"),
    (OFFER, O.ACTIVE, O.EXPIRED, "replaced, or over"),
    (PLAN, P.NEW, P.PENDING, "complete, waiting for its day"),
    (PLAN, P.NEW, P.ACTIVE, "complete, its day is reached"),
    (PLAN, P.PENDING, P.ACTIVE, "its day is reached"),
    (PLAN, P.ACTIVE, P.EXPIRED, "over"),
    (VERDICT, V.PENDING, V.APPROVED, "approved"),
    (VERDICT, V.PENDING, V.DECLINED, "declined"),
    (VERDICT, V.REPROCESS, V.APPROVED, "approved again"),
    (VERDICT, V.REPROCESS, V.DECLINED, "declined"),
    (VERDICT, V.APPROVED, V.REPROCESS, "submitted again"),
    (VERDICT, V.DECLINED, V.REPROCESS, "submitted again"),
    (VERDICT, V.EXPIRED, V.REPROCESS, "submitted again"),
    (VERDICT, V.APPROVED, V.EXPIRED, "too long ago"),
)


def next_of(record: str, status: str, hidden: frozenset[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    """Answer where a record may go that is not hidden: each with the moves that lead there.

    A move through a hidden status goes on from it, forward only.

    >>> next_of("batch", "client review", frozenset({"update client selection"}))
    {'prep for presentation': ('prep for presentation',), \
'sent for approval': ('update client selection', 'sent for approval')}
    """
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(status, ())]
    while waiting:
        at, way = waiting.pop(0)
        for kind, before, after, _ in MOVES:
            if (kind, before) != (record, at) or after == status or after in way or after in found:
                continue
            if after not in hidden:
                found[str(after)] = (*way, str(after))
            elif not way or _is_forward(at, after):
                waiting.append((after, (*way, str(after))))
    return dict(sorted(found.items(), key=lambda one: (len(one[1]), one[0])))


def _is_forward(before: str, after: str) -> bool:
    return before in FORWARD and after in FORWARD and FORWARD.index(after) > FORWARD.index(before)  # type: ignore[arg-type]
