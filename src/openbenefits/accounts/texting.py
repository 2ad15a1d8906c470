"""Text messages to mobile numbers: by the gateway that is set, else as files beside the mails.

A gateway is an address that takes `{"to": "+15550102030", "text": "…"}` as JSON, with a bearer token if
one is set (OPENBENEFITS_SMS_URL, OPENBENEFITS_SMS_TOKEN).
"""

import re

import httpx
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

SECONDS = 10
FILES = "django.core.mail.backends.filebased.EmailBackend"
COUNTRY = "1"
"""Of numbers that name none."""


def number_of(said: str) -> str:
    """Write a number as the world does: + and the digits; ten digits are of the United States.

    Missing: what has no digits comes back without blanks and dashes, for the caller to refuse.
    """
    stripped = re.sub(r"[\s().\-/]", "", said)
    if re.fullmatch(r"\d{10}", stripped):
        return f"+{COUNTRY}{stripped}"
    if re.fullmatch(rf"{COUNTRY}\d{{10}}", stripped):
        return f"+{stripped}"
    return stripped


def send_text(number: str, text: str) -> None:
    """Send a text message; with no gateway set, write it where mails go as files.

    Errors: httpx.HTTPError where the gateway does not take it.
    """
    if not settings.SMS_URL:
        files = get_connection(FILES, file_path=settings.EMAIL_FILE_PATH)
        EmailMessage(
            subject="Text message", body=text, to=[f"{number}@text.invalid"], connection=files
        ).send()
        return
    headers = {"Authorization": f"Bearer {settings.SMS_TOKEN}"} if settings.SMS_TOKEN else {}
    answer = httpx.post(settings.SMS_URL, json={"to": number, "text": text}, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
