"""What was lately found from a rulebook: the same is asked for one person after the other."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

KEPT_ANSWERS = 32


class Recent:
    """The answers lately found, by what was asked. What they were found from must never change."""

    def __init__(self, most: int = KEPT_ANSWERS) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._keeping = Lock()

    def answer(self, asked: Hashable, find: Callable[[], Any]) -> Any:
        """Answer what was found when the same was asked; else find it, and keep it in place of the oldest."""
        with self._keeping:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        found = find()
        with self._keeping:
            self._kept[asked] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
