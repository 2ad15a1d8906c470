"""Many letters as one file for the printer. What is kept, and read by people, is the letter itself."""

from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject


def assembled(pdfs: Sequence[bytes], *, title: str, is_duplex: bool = False) -> bytes:
    """Put files one after the other into one; the letters stay as they are, their tags are left out."""
    writer = PdfWriter()
    for pdf in pdfs:
        reader = PdfReader(BytesIO(pdf))
        writer.append(reader, import_outline=False)
        if is_duplex and len(reader.pages) % 2:
            size = reader.pages[0].mediabox
            writer.add_blank_page(width=size.width, height=size.height)
    writer.add_metadata({"/Title": title})
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()
