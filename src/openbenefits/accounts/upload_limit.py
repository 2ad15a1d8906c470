"""No request brings more than a file of the largest size taken: it is refused before it is read."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = 11 * 2**20
"""A file of 10 MB, and the form around it."""


class LimitedUpload(FileUploadHandler):
    """Stands before the handlers that keep files, and lets none begin that is too large."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name for it
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Refuse by what the request says of its own length; the server reads no more than that."""
        del input_data, META, boundary, encoding
        if content_length > MOST_BYTES:
            raise RequestDataTooBig("expected at most 11 MB in one request")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand on what comes."""
        del start
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
        del file_size
