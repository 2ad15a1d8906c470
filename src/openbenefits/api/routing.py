"""One table of addresses for all resources: reading and acting at an address may stand in two files."""

from collections.abc import Callable
from typing import Any

from ninja import Router

shared = Router()


class Routes:
    """The addresses of one resource, under its tag."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def get(self, path: str, **how: Any) -> Callable[..., Any]:
        """Answer GET at an address."""
        return shared.get(path, **self._tagged(how))

    def post(self, path: str, **how: Any) -> Callable[..., Any]:
        """Answer POST at an address."""
        return shared.post(path, **self._tagged(how))

    def delete(self, path: str, **how: Any) -> Callable[..., Any]:
        """Answer DELETE at an address."""
        return shared.delete(path, **self._tagged(how))

    def _tagged(self, how: dict[str, Any]) -> dict[str, Any]:
        return {"tags": [self.tag], "by_alias": True, **how}
