"""The reference of the API, as a page: the description in words, without scripts."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openbenefits.api.openapi import DESCRIPTION, PROBLEM, api
from openbenefits.api.problems import CODE, TITLES

METHODS = ("get", "post", "delete")


def reference(request: HttpRequest) -> HttpResponse:
    """Show every resource with its parameters, body and answers."""
    described = api.described
    operations = list(_operations(described))
    tags = sorted({one["tag"] for one in operations}, key=_place)
    told = {
        "description": [_words(part) for part in DESCRIPTION.split("\n\n")],
        "tags": [(tag, [one for one in operations if one["tag"] == tag]) for tag in tags],
        "schemas": sorted(_schemas(described)),
        "problems": [(CODE + code, title) for code, title in TITLES.items()],
    }
    return render(request, "api/reference.html", told)


ORDER = (
    *("clients", "people", "facts", "activity", "events", "elections", "coverage", "continuation"),
    *(
        "deductions",
        "runs",
        "requests",
        "repairs",
        "work",
        "reports",
        "queries",
        "why",
        "statements",
        "census",
    ),
    *("papers", "set-up", "best plan"),
)
"""The order of the resources, as work goes; others follow by name."""


def _place(tag: str) -> tuple[int, str]:
    return (ORDER.index(tag) if tag in ORDER else len(ORDER), tag)


def _words(text: str) -> list[tuple[str, bool]]:
    """Take a text apart into words and code, which stands between backticks."""
    return [(part, number % 2 == 1) for number, part in enumerate(text.strip().split("`"))]


def _operations(described: Any) -> Iterator[dict[str, Any]]:
    for path, methods in described["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(path, method, methods[method])


def _operation(path: str, method: str, said: dict[str, Any]) -> dict[str, Any]:
    bodies = said.get("requestBody", {}).get("content", {})
    return {
        "id": said["operationId"],
        "tag": said.get("tags", ["other"])[0],
        "method": method.upper(),
        "path": path,
        "summary": said["summary"],
        "description": said.get("description", ""),
        "parameters": [_parameter(one) for one in said.get("parameters", [])],
        "bodies": [(kind, *_named(one["schema"])) for kind, one in bodies.items()],
        "answers": [_answer(status, one) for status, one in said["responses"].items() if status < "300"],
    }


def _parameter(said: dict[str, Any]) -> dict[str, Any]:
    schema = said["schema"]
    return {
        "name": said["name"],
        "place": said["in"],
        "is_required": said["required"],
        "type": _type(schema),
        "description": said.get("description", schema.get("description", "")).replace("`", ""),
    }


def _answer(status: str, said: dict[str, Any]) -> dict[str, Any]:
    shapes = [(kind, *_named(one.get("schema", {}))) for kind, one in said.get("content", {}).items()]
    return {"status": status, "shapes": shapes}


def _named(schema: dict[str, Any]) -> tuple[str, str]:
    """Answer the anchor of a named shape, or none, and how it is called."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"shape-{name}", name
    return "", _type(schema)


def _type(schema: dict[str, Any]) -> str:
    """Say of which type a value is, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(json.dumps(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "object"}
    return str(schema.get("format") or words.get(schema.get("type", ""), schema.get("type", "anything")))


def _schemas(described: Any) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for name, schema in (described["components"]["schemas"] | {"Problem": PROBLEM}).items():
        required = set(schema.get("required", ()))
        fields = [
            {
                "name": field,
                "type": _type(one),
                "is_required": field in required,
                "description": one.get("description", "").replace("`", ""),
            }
            for field, one in schema.get("properties", {}).items()
        ]
        yield name, schema.get("description", ""), fields
