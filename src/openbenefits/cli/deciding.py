"""What a person decides against facts or rules: eligibility, coverage taken over, numbers of one human."""

from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now
from openbenefits.cli.consequences import tell
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.options import (
    AsOf,
    By,
    ClientCode,
    Number,
    Person,
    Program,
    Record,
    Schedule,
    TypedOption,
    parse_day,
    parts_of,
)
from openbenefits.cli.repair_options import Apply, Files, Reason

UNDO = "undo"


def decided(word: str, *others: str) -> bool | None:
    """Read a decision about eligibility; None for a withdrawn one, and for the other words there are.

    Errors: BadParameter.
    """
    from openbenefits.enrollment.overrides import WORDS

    known = {said: is_eligible for is_eligible, said in WORDS.items()} | dict.fromkeys(others)
    if word not in known:
        raise typer.BadParameter(f"expected {', '.join(known)}, found {word}", param_hint="--decision")
    return known[word]


def override(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    program: Program,
    decision: Annotated[
        str, typer.Option("--decision", metavar="WORD", help="eligible, ineligible, withdrawn; or undo.")
    ],
    reason: Reason,
    as_of: AsOf,
    option: TypedOption = None,
    number: Number = 0,
    benefit_record: Record = 0,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Decide about eligibility for one event, final or not, and decide the event again at once."""
    connection = open_database()
    from openbenefits.repair import overriding
    from openbenefits.repair.proposals import due_order

    found = find_client(client)
    pays = due_order(found.pk, as_of, by)
    order = overriding.OverrideOrder(
        event={
            "client_id": found.pk,
            "person_id": find_people(found, [person])[0],
            "benefit_record": benefit_record,
            "schedule_id": find_schedule(connection, client, schedule),
            "event_number": number,
        },
        program=program,
        option=parts_of(option, "TYPE/CODE"),
        is_eligible=decided(decision, UNDO),
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=reason,
        author=by,
    )
    work = overriding.undo_override if decision == UNDO else overriding.override
    told = work(connection, order, now=now(), is_rehearsal=not apply)
    tell(connection, found.pk, told, files, is_done=apply)


def taken_over(
    client: ClientCode,
    person: Person,
    plan_type: Annotated[str, typer.Option("--plan-type", metavar="CODE", help="Two characters.")],
    begins: Annotated[
        Any,
        typer.Option(
            "--begins", parser=parse_day, metavar="YYYY-MM-DD", help="Its first day, as taken over."
        ),
    ],
    do: Annotated[str, typer.Option("--do", metavar="WORD", help="redate, end, void; or undo.")],
    reason: Reason,
    as_of: AsOf,
    to: Annotated[
        Any,
        typer.Option(
            "--to",
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help="The new day, or the first day without it.",
            show_default=False,
        ),
    ] = None,
    benefit_record: Record = 0,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Move, end or void coverage that was taken over, and decide the events after it again."""
    connection = open_database()
    from openbenefits.repair.proposals import due_order
    from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over

    found = find_client(client)
    pays = due_order(found.pk, as_of, by)
    order = TakenOver(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        benefit_record=benefit_record,
        plan_type=plan_type,
        begins_on=begins,
        do=do,
        to_on=to,
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=reason,
        author=by,
    )
    told = operate_on_taken_over(connection, order, now=now(), is_rehearsal=not apply)
    tell(connection, found.pk, told, files, is_done=apply)


def merge(
    client: ClientCode,
    person: Person,
    into: Annotated[str, typer.Option("--into", metavar="NUMBER", help="The number that stays.")],
    reason: Reason,
    as_of: AsOf,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Say that two numbers are one human: facts, events and coverage of the one follow the other."""
    _join(client, person, into, reason, as_of, by, files, apply=apply, is_merge=True)


def unmerge(
    client: ClientCode,
    person: Person,
    into: Annotated[str, typer.Option("--from", metavar="NUMBER", help="Whom it was merged into.")],
    reason: Reason,
    as_of: AsOf,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Take two merged numbers apart again."""
    _join(client, person, into, reason, as_of, by, files, apply=apply, is_merge=False)


def _join(
    client: str,
    person: str,
    into: str,
    reason: str,
    as_of: Any,
    by: str,
    files: Path | None,
    *,
    apply: bool,
    is_merge: bool,
) -> None:
    connection = open_database()
    from openbenefits.repair import merging
    from openbenefits.repair.proposals import due_order

    found = find_client(client)
    pays = due_order(found.pk, as_of, by)
    order = merging.MergeOrder(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        survivor_id=find_people(found, [into])[0],
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=reason,
        author=by,
    )
    work = merging.merge if is_merge else merging.unmerge
    told = work(connection, order, now=now(), is_rehearsal=not apply)
    tell(connection, found.pk, told, files, is_done=apply)
