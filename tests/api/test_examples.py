"""The examples of docs/api.md are requests that are made, in order, and answered as they say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.conftest import Program

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
FILES = PAGE.parent / "examples"
PAIR = re.compile(r"```http\n(.*?)```\s*```json\n(.*?)```", re.DOTALL)
SHOWN = re.compile(r'"\{(\w+)\}"|\{(\w+)\}')


def examples() -> list[tuple[str, dict[str, str], str, dict[str, Any]]]:
    """Read each request (method and address, headers, body), and what it is answered."""
    found = []
    for request, answer in PAIR.findall(PAGE.read_text(encoding="utf-8")):
        head, _, body = request.partition("\n\n")
        first, *headers = head.strip().splitlines()
        named = dict(line.split(": ", 1) for line in headers)
        found.append((first, named, body.strip(), json.loads(answer)))
    return found


def filled_in(text: str, kept: dict[str, Any], *, is_json: bool = False) -> str:
    def value(place: re.Match[str]) -> str:
        known = kept[place[1] or place[2]]
        quoted = is_json and place[1] is not None
        return json.dumps(known) if quoted else str(known)

    return SHOWN.sub(value, text)


def matches(said: Any, answered: Any, kept: dict[str, Any]) -> bool:
    """Tell whether an answer is as said: "…" is anything, numbers stand for numbers, lists for one like it."""
    if said == "…":
        return True
    if isinstance(said, dict):
        return isinstance(answered, dict) and all(
            name in answered and matches(one, answered[name], kept) for name, one in said.items()
        )
    if isinstance(said, list):
        return isinstance(answered, list) and all(
            any(matches(one, other, kept) for other in answered) for one in said
        )
    if isinstance(said, bool) or said is None:
        return said is answered
    if isinstance(said, int):
        return isinstance(answered, int)
    return filled_in(said, kept) == answered


def test_the_page_is_read_whole():
    text = PAGE.read_text(encoding="utf-8")
    assert len(examples()) == text.count("```http") == text.count("```json") > 15


@pytest.mark.parametrize("said", [{"a": 1}, {"a": "…"}, [1], "x", None, True])
def test_what_differs_does_not_match(said):
    for other in ({"b": 2}, ["y"], 0.5, "z", False):
        assert not matches(said, other, {})


def form_of(body: str) -> dict[str, Any]:
    """Read a form as curl has it: `name=value`, `@` a file of docs/examples, `<` the text of one."""
    found: dict[str, Any] = {}
    for one in body.splitlines():
        name, _, value = one.partition("=")
        data = (FILES / value[1:]).read_bytes() if value[:1] in ("@", "<") else b""
        file = SimpleUploadedFile(value[1:], data) if value.startswith("@") else data.decode()
        found[name] = file if data else value
    return found


def asked(program: Program, method: str, address: str, headers: dict[str, str], body: str) -> Any:
    if method == "GET":
        return program.browser.get(address)
    if headers.get("Content-Type") == "multipart/form-data":
        return program.browser.post(address, form_of(body))
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return program.browser.post(address, body, content_type="application/json", **named)


def test_the_examples_are_answered_as_they_say(harbor: Program):
    schedules = harbor.get("/clients/harbor/schedules").json()["items"]
    kept: dict[str, Any] = {"schedule": next(one["code"] for one in schedules if one["kind"] == "E")}
    for first, headers, body, said in examples():
        method, address = first.split(" ", 1)
        address = filled_in(address, kept)
        answer = asked(harbor, method, address, headers, filled_in(body, kept, is_json=True))
        assert answer.status_code == said["status"], (first, answer.content)
        found = answer.json()
        assert matches(said["body"], found, kept), (first, said["body"], found)
        for name, place in said.get("keep", {}).items():
            value = found
            for step in place.split("."):
                value = value[int(step)] if step.isdigit() else value[step]
            kept[name] = value
