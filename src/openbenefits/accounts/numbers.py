"""Which person ids are one human: of those merged into another, that one counts first.

What stands under a number that was merged (letters, tickets, papers, questions) is found under all of them,
so that nothing is moved, and nothing has to go back.
"""

from openbenefits.accounts.models import MergedNumber


def join_numbers(client_id: int, person_id: int, into_id: int) -> None:
    """Say that one number is another from now on."""
    MergedNumber.objects.create(client_id=client_id, person_id=person_id, into_id=into_id)


def part_numbers(client_id: int, person_id: int) -> None:
    """Say that a number is by itself again."""
    MergedNumber.objects.filter(client_id=client_id, person_id=person_id).delete()


def numbers_of(client_id: int, person_id: int) -> tuple[int, ...]:
    """Answer every number of the human whom one of them names, that first which counts.

    Merges of a client are few: all of them are read.
    """
    pairs = MergedNumber.objects.filter(client_id=client_id).values_list("person_id", "into_id")
    into: dict[int, int] = dict(pairs)
    first = person_id
    while first in into:
        first = into[first]
    found = [first]
    for number in found:
        found += sorted(one for one, other in into.items() if other == number)
    return tuple(found)


__all__ = ["join_numbers", "numbers_of", "part_numbers"]
