"""Every measurement has a process of its own, so that its memory is its own."""

import resource
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

Progress = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


class ChildFailed(RuntimeError):
    """A measurement ended without an answer; its own message stands above."""


def in_child(measure: Callable[..., Any], *arguments: Any, progress: Progress) -> Any:
    """Answer `measure(*arguments, progress)`, called in a new process."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(theirs, measure, arguments))
    child.start()
    theirs.close()
    try:
        return _answer(ours, progress)
    except EOFError:
        raise ChildFailed(measure.__name__) from None
    finally:
        child.join()


def peak_bytes() -> int:
    """Answer the most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _answer(ours: Connection, progress: Progress) -> Any:
    while True:
        kind, content = ours.recv()
        if kind == "answer":
            return content
        progress(*content)


def _call(theirs: Connection, measure: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    answer = measure(*arguments, lambda done, total: theirs.send(("progress", (done, total))))
    theirs.send(("answer", answer))
