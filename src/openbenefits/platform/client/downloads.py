"""What the platform builds in the background: asked for, looked at until it is done, then read."""

from typing import Any

from openbenefits.platform.client.faults import Busy, NotReached
from openbenefits.platform.client.session import Session, pause
from openbenefits.platform.client.values import text

LOOKS = 600
DONE, FAILED = "DONE", "ERROR"


def built(session: Session, name: str, *, wait: float = 2.0, looks: int = LOOKS, **asked: Any) -> Any:
    """Have something built, and answer the file: the identical call is repeated with the number of the build.

    Errors: NotReached for a build that fails or does not end; Busy while another of the kind is under way.
    """
    answer = session.call(name, **asked)
    number = text(answer.get("downloadId"))
    for _ in range(looks):
        status = text(answer.get("buildStatus")).upper()
        if status == DONE:
            return session.fetch(text(answer.get("dataObject")))
        if status == FAILED:
            raise NotReached(f"{name}: the platform could not build it; ask again later")
        pause(wait)
        try:
            answer = session.call(name, **asked, downloadId=number)
        except Busy:
            continue
    session.call("stopProcess", downloadId=number, endPoint=name)
    raise NotReached(f"{name}: expected a build that ends, found none after {looks} looks; ask again later")
