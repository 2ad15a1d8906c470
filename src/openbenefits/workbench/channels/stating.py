"""What was put into the form of a channel, as the channel it states; and a channel as the form shows it."""

from collections.abc import Mapping
from typing import Any

CONDITIONS, ITEMS, OF_ITEM = 30, 30, 12
"""The most rows a form takes: conditions, items, conditions of an item."""
MADE = ("task", "case", "mail", "letter", "change")
WHO = ("role", "queue", "user", "field")


def stated(posted: Any, base: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the channel a form states; what the form does not show is taken from what it began with."""
    told = {name: value for name, value in base.items() if name not in ("on", "schedule", "by_hand", "once")}
    for name in ("channel", "name", "says", "playbook", "kind", "expression"):
        told[name] = posted.get(name, "").strip()
    way = posted.get("way", "on")
    if way == "on":
        on: dict[str, Any] = {"operation": posted.get("operation", "insert or update")}
        on |= {"changed": changed} if (changed := posted.get("changed", "")) else {}
        told["on"] = on | {"pipelines": posted.getlist("pipelines")}
    elif way == "by_hand":
        told["by_hand"] = True
    elif posted.get("s_field"):
        told["schedule"] = _schedule(posted, "s_", posted["s_field"])
    if posted.get("once"):
        told["once"] = True
    told["conditions"] = _conditions(posted, "c", CONDITIONS)
    before = {item["item"]: item for item in base.get("items", [])}
    told["items"] = [item for number in range(ITEMS) if (item := _item(posted, number, before))]
    return told


def _schedule(posted: Any, lead: str, field: str) -> dict[str, Any]:
    numbers = {
        name: _number(posted.get(f"{lead}{name}", ""))
        for name in ("offset", "grace", "frequency")
        if posted.get(f"{lead}{name}", "").strip()
    }
    flags = {name: True for name in ("include_inactive", "cancels_on_change") if posted.get(f"{lead}{name}")}
    return {"field": field} | numbers | flags


def _number(text: str) -> Any:
    """Read a whole number; what is none stays as it is, so that it is refused in its place."""
    said = text.strip()
    return int(said) if said.removeprefix("-").isdecimal() else said


def _conditions(posted: Any, lead: str, most: int) -> list[dict[str, Any]]:
    """Read the rows of conditions whose names begin so; a row without a field states nothing."""
    found = []
    for number in range(most):
        name = posted.get(f"{lead}{number}_field", "")
        if name:
            source, _, field = name.rpartition(".")
            row = {
                "label": posted.get(f"{lead}{number}_label", "").strip() or str(number + 1),
                "source": source or "record",
                "field": field,
                "operator": posted.get(f"{lead}{number}_operator", ""),
                "value": posted.get(f"{lead}{number}_value", "").strip(),
            }
            found.append(row)
    return found


def _item(posted: Any, number: int, before: Mapping[str, Any]) -> dict[str, Any] | None:
    def said(name: str) -> str:
        return str(posted.get(f"i{number}_{name}", "")).strip()

    code = said("item")
    if not code:
        return None
    known = before.get(code, {})
    told: dict[str, Any] = {"item": code, "title": said("title") or code}
    if conditions := _conditions(posted, f"i{number}c", OF_ITEM):
        told["conditions"] = conditions
    if said("expression"):
        told["expression"] = said("expression")
    make = said("make")
    told[make] = _part(said, make, known.get(make) or {})
    if said("after"):
        told["after"] = {"item": said("after"), "status": said("after_status") or "complete"}
    if said("day"):
        told["schedule"] = _schedule(posted, f"i{number}_", said("day"))
    if said("done_when"):
        told["done_when"] = said("done_when")
    if said("once"):
        told["once"] = True
    return told


def _part(said: Any, make: str, known: Mapping[str, Any]) -> dict[str, Any]:
    if make == "change":
        pairs = [line.partition(":") for line in said("body").splitlines() if ":" in line]
        return {"act": said("subject"), "values": {name.strip(): value.strip() for name, _, value in pairs}}
    if make == "letter":
        return {"title": said("subject"), "body": said("body")}
    if make == "mail":
        first = _who(said, (known.get("to") or [{}])[0])
        rest = list(known.get("to") or [])[1:]
        return {"subject": said("subject"), "body": said("body"), "to": [first, *rest]}
    part = {name: value for name, value in known.items() if name in ("owner", "attach_to")}
    part |= {
        name: value for name in ("subject", "body", "category", "kind", "priority") if (value := said(name))
    }
    part.setdefault("subject", "")
    if said("marked"):
        part["marked"] = True
    if said("due_days"):
        due = {"days": _number(said("due_days")), "business": bool(said("due_business"))}
        part["due"] = due | ({"start": said("due_start")} if said("due_start") else {})
    if said("who"):
        part["assigned"] = _who(said, {})
    return part


def _who(said: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    way, whom, backup = said("who"), said("whom"), said("backup")
    told: dict[str, Any] = (
        {"current": True} if way == "current" else {way: whom} if way in WHO else dict(known)
    )
    return told | ({"backup": backup} if backup else {})


# --- shown --------------------------------------------------------------------------------------------------


def conditions_shown(
    told: Mapping[str, Any], lead: str = "c", most: int = CONDITIONS, blank: int = 2
) -> list[dict[str, Any]]:
    """Answer the rows of conditions, and some blank ones; lead: how the names of their fields begin."""
    rows = [
        row
        | {
            "dotted": row["field"]
            if row.get("source", "record") in ("record", "channel")
            else f"{row['source']}.{row['field']}"
        }
        for row in told.get("conditions", [])
    ]
    rows += [{} for _ in range(blank)]
    return [row | {"lead": f"{lead}{number}"} for number, row in enumerate(rows[:most])]


def items_shown(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Answer the rows of items, and a blank one."""
    items = [*told.get("items", []), {}]
    return [
        _shown(item)
        | {"number": number, "conditions": conditions_shown(item, f"i{number}c", OF_ITEM, blank=1)}
        for number, item in enumerate(items[:ITEMS])
    ]


def _shown(item: Mapping[str, Any]) -> dict[str, Any]:
    make = next((kind for kind in MADE if kind in item), "task")
    part = item.get(make) or {}
    told = {name: item.get(name, "") for name in ("item", "title", "done_when", "once", "expression")}
    told |= {"make": make, "marked": part.get("marked", False)}
    told |= {name: part.get(name, "") for name in ("subject", "body", "category", "kind", "priority")}
    if make == "letter":
        told |= {"subject": part.get("title", "")}
    if make == "change":
        told |= {"subject": part.get("act", "")}
        told |= {"body": "\n".join(f"{name}: {value}" for name, value in part.get("values", {}).items())}
    due = part.get("due") or {}
    told |= {
        "due_days": due.get("days", ""),
        "due_business": due.get("business", True),
        "due_start": due.get("start", ""),
    }
    who = part.get("assigned") or (part.get("to") or [{}])[0]
    way = "current" if who.get("current") else next((one for one in WHO if who.get(one)), "")
    told |= {"who": way, "whom": who.get(way, "") if way in WHO else "", "backup": who.get("backup", "")}
    after = item.get("after") or {}
    told |= {"after": after.get("item", ""), "after_status": after.get("status", "")}
    return told | {"timing": item.get("schedule") or {}}
