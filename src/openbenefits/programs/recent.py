"""What was lately found from a rulebook: the same is asked for one person after the other."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import polars as pl

KEPT_ANSWERS = 32
FEW_ROWS = 64
"""What is asked of so few rows may be asked again; of more, comparing costs as much as finding it."""


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
        self.keep(asked, found)
        return found

    def keep(self, asked: Hashable, found: Any) -> None:
        """Keep what was found when this was asked, in place of the oldest."""
        with self._keeping:
            self._kept[asked] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def answer_of(self, name: str, rows: pl.DataFrame, find: Callable[[], Any]) -> Any:
        """Answer as `answer` what follows from a few rows and the rulebook alone; of more, find it anew.

        Shapes: rows have the same columns whenever the same is asked.
        """
        if rows.height > FEW_ROWS:
            return find()
        return self.answer((name, *rows.rows()), find)
