"""Stories an analyst can write: set-up, people, dated steps, and what must be true after each."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from django.apps import apps

from openbenefits.store import server
from openbenefits.store.startup import set_up_django

if TYPE_CHECKING:
    from openbenefits.scenarios.services import Progress, ScenarioResult

NOWHERE = "no_story_is_playing"

__all__ = ["run"]


def run(paths: Iterable[Path], *, progress: "Progress | None" = None) -> "list[ScenarioResult]":
    """Play stories: files, or folders whose `*.yaml` files are stories, each in a scratch database.

    Errors: none are raised for what a story says; what cannot be played is a finding of its result.
    """
    if not apps.ready:
        set_up_django(server.connect_info("scenario", NOWHERE))
    from openbenefits.scenarios import services  # its tables need a Django that is set up

    return services.run(paths, progress=progress)
