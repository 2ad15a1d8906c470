"""Where records that channels open tickets about are shown; those that other areas show, they register."""

from openbenefits.workbench import links
from openbenefits.workbench.casework.subjects import register


def _person(client: str, key: str) -> str | None:
    """Lead to the participant: the first part of the key is the employee's number."""
    return links.person(client, key.split("/")[0])


for _kind in ("job", "life event", "election", "coverage", "evidence"):
    register(_kind, _person)
register("open enrolment", lambda client, key: links.found("schedule", client=client, schedule=key))
register("import", lambda client, _key: links.found("imports", client=client))
