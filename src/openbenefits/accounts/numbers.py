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
    """Answer every number of the human whom one of them names, that first which counts."""
    firsts = first_numbers(client_id)
    first = firsts.get(person_id, person_id)
    return (first, *sorted(one for one, other in firsts.items() if other == first))


def first_numbers(client_id: int) -> dict[int, int]:
    """Answer for each merged number of a client the one that counts; of a client they are few."""
    merged = MergedNumber.objects.filter(client_id=client_id)
    into: dict[int, int] = dict(merged.values_list("person_id", "into_id"))

    def first_of(number: int) -> int:
        while number in into:
            number = into[number]
        return number

    return {one: first_of(one) for one in into}


__all__ = ["first_numbers", "join_numbers", "numbers_of", "part_numbers"]
