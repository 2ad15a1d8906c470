"""Census files as a client sends them: with faults, and put right."""

HEADINGS = "Staff No,First,Surname,Born,Hired,Shirt,Birth town"
GOOD = [f"N{number:03},Ada{number},Lovelace,1985-03-0{number},2025-06-01,M,London" for number in range(1, 7)]


def census(*bad: str, headings: str = HEADINGS) -> bytes:
    """Write a census of six people and some bad rows."""
    return "\n".join([headings, *GOOD, *bad]).encode()


FAULTY = (
    "N010,Bob,,1985-03-01,2025-06-01,L,Paris",
    "N011,Eve,Moss,1985-13-45,2025-06-01,L,Paris",
    "N012,Zoe,Ray,1985-03-01,soon,L,Paris",
)
MENDED = (
    "N010,Bob,Kay,1985-03-01,2025-06-01,L,Paris",
    "N011,Eve,Moss,1985-12-30,2025-06-01,L,Paris",
    "N012,Zoe,Ray,1985-03-01,2025-06-02,L,Paris",
)
