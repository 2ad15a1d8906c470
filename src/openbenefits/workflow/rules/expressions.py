"""The language in which a channel joins the labels of its conditions: `1 AND (2 OR NOT 3)`.

    expression = term { OR term }        term = factor { [AND] NOT factor | AND factor }
    factor     = NOT factor | ( expression ) | label

`A NOT B` means A AND NOT B. AND binds closer than OR. Words may be written in any case. An empty expression
joins all labels by OR.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import polars as pl

DEEPEST = 50
TOKEN = re.compile(r"\s*(?:(?P<mark>[()])|(?P<word>[A-Za-z0-9_]+))")


class ExpressionRefused(ValueError):
    """What is no expression: the place, what was expected, what was found."""


@dataclass(frozen=True)
class Label:
    """A condition, by its label."""

    name: str


@dataclass(frozen=True)
class Not:
    """The contrary."""

    part: "Expression"


@dataclass(frozen=True)
class Joined:
    """Several parts, joined by one word."""

    word: Literal["AND", "OR"]
    parts: tuple["Expression", ...]


Expression: TypeAlias = Label | Not | Joined


@dataclass(frozen=True)
class _Token:
    text: str
    at: int  # from 1

    @property
    def word(self) -> str:
        return self.text.upper()


def parse(text: str, labels: Sequence[str]) -> Expression | None:
    """Read an expression over labels; None where there are none to join.

    Errors: ExpressionRefused with the place.
    """
    if not text.strip():
        return _any(tuple(Label(one) for one in labels))
    reader = _Reader(list(_tokens(text)), {one.upper(): one for one in labels}, len(text) + 1)
    found = reader.expression(0)
    if reader.here is not None:
        reader.refuse("AND, OR, NOT or the end")
    return found


def _any(parts: tuple[Expression, ...]) -> Expression | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Joined("OR", parts)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            begin = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionRefused(
                f"at {begin + 1}: expected a label, AND, OR, NOT or a parenthesis, found '{text[begin]}'"
            )
        kind = "mark" if match["mark"] else "word"
        yield _Token(match[kind], match.start(kind) + 1)
        at = match.end()


@dataclass
class _Reader:
    tokens: list[_Token]
    labels: dict[str, str]
    end: int
    place: int = 0

    @property
    def here(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def refuse(self, expected: str) -> NoReturn:
        found = f"'{self.here.text}'" if self.here else "the end"
        at = self.here.at if self.here else self.end
        raise ExpressionRefused(f"at {at}: expected {expected}, found {found}")

    def takes(self, word: str) -> bool:
        if self.here is not None and self.here.word == word and word not in self.labels:
            self.place += 1
            return True
        return False

    def expression(self, depth: int) -> Expression:
        parts = [self.term(depth)]
        while self.takes("OR"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else Joined("OR", tuple(parts))

    def term(self, depth: int) -> Expression:
        parts = [self.factor(depth)]
        while True:
            if self.takes("AND"):
                parts.append(self.factor(depth))
            elif self.takes("NOT"):
                parts.append(Not(self.factor(depth)))
            else:
                return parts[0] if len(parts) == 1 else Joined("AND", tuple(parts))

    def factor(self, depth: int) -> Expression:
        if depth > DEEPEST:
            self.refuse(f"at most {DEEPEST} levels")
        if self.takes("NOT"):
            return Not(self.factor(depth + 1))
        if self.takes("("):
            inner = self.expression(depth + 1)
            if not self.takes(")"):
                self.refuse("')', AND, OR or NOT")
            return inner
        if self.here is None or self.here.word not in self.labels:
            self.refuse(f"the label of a condition ({', '.join(self.labels.values()) or 'none'}), NOT or '('")
        self.place += 1
        return Label(self.labels[self.tokens[self.place - 1].word])


def written(expression: Expression) -> str:
    """Write an expression so that it reads the same."""
    if isinstance(expression, Label):
        return expression.name
    if isinstance(expression, Not):
        inner = written(expression.part)
        return f"NOT ({inner})" if isinstance(expression.part, Joined) else f"NOT {inner}"
    parts = [f"({written(one)})" if isinstance(one, Joined) else written(one) for one in expression.parts]
    return f" {expression.word} ".join(parts)


def holds(expression: Expression | None, columns: dict[str, pl.Expr]) -> pl.Expr:
    """Answer whether an expression holds, from a column for each label; without one it always does."""
    if expression is None:
        return pl.lit(value=True)
    if isinstance(expression, Label):
        return columns[expression.name]
    if isinstance(expression, Not):
        return ~holds(expression.part, columns)
    parts = [holds(one, columns) for one in expression.parts]
    return pl.all_horizontal(parts) if expression.word == "AND" else pl.any_horizontal(parts)


def labels_of(expression: Expression | None) -> set[str]:
    """Name the labels an expression uses."""
    if expression is None:
        return set()
    if isinstance(expression, Label):
        return {expression.name}
    if isinstance(expression, Not):
        return labels_of(expression.part)
    return set().union(*(labels_of(one) for one in expression.parts))
