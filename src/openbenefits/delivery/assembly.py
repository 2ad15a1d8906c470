"""Many letters as one file for the printer. What is kept, and read by people, is the letter itself."""

from collections.abc import Sequence
from io import BytesIO

import pikepdf


def assembled(pdfs: Sequence[bytes], *, title: str, is_duplex: bool = False) -> bytes:
    """Put files one after the other into one; the letters stay as they are, their tags are left out."""
    whole = pikepdf.new()
    for pdf in pdfs:
        with pikepdf.open(BytesIO(pdf)) as letter:
            whole.pages.extend(letter.pages)
            if is_duplex and len(letter.pages) % 2:
                width, height = (float(edge) for edge in letter.pages[0].mediabox[2:])
                whole.add_blank_page(page_size=(width, height))
    whole.docinfo["/Title"] = title
    whole.Root.Lang = pikepdf.String("en")
    file = BytesIO()
    whole.save(file)
    return file.getvalue()


def page_count(pdf: bytes) -> int:
    """Count the pages of a file."""
    with pikepdf.open(BytesIO(pdf)) as letter:
        return len(letter.pages)
