"""The filter grammar of AIP-160 as a typed tree, and its parser. What a field means is not known here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_LENGTH: Final = 4_000
MAX_TERMS: Final = 50
MAX_DEPTH: Final = 20

_SPACE: Final = re.compile(r"\s*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_OPERATOR: Final = re.compile(r"<=|>=|!=|=|<|>|:")
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_BARE: Final = re.compile(r"[^\s()<>=!\"',]+")
_KEYWORD: Final = re.compile(r"(AND|OR|NOT)(?![A-Za-z0-9_.:=<>!])")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_UNPRINTABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


class Malformed(Exception):
    """A filter that cannot be understood: where (zero-based character) and what was expected there."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


class Operator(StrEnum):
    """How a field is compared; HAS is containment for text, membership for lists."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    HAS = ":"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written; what type it has, the field decides."""

    text: str
    quoted: bool
    position: int

    @property
    def is_null(self) -> bool:
        return not self.quoted and self.text == "null"

    @property
    def is_any(self) -> bool:
        """The star of `field:*`, which asks whether the field is set."""
        return not self.quoted and self.text == "*"


@dataclass(frozen=True, slots=True)
class Comparison:
    field: str
    operator: Operator
    value: Literal
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    field: str
    arguments: tuple[Literal, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    term: Node


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Node, ...]


Node = Comparison | Call | Not | And | Or


def parse(text: str) -> Node | None:
    """The tree of a filter; None for an empty one. As in AIP-160, OR binds tighter than AND.

    Raises Malformed, with the position, for a text that is no filter, too long, too deep or of too many terms.
    """
    if len(text) > MAX_LENGTH:
        raise Malformed(MAX_LENGTH, f"a filter has at most {MAX_LENGTH:,} characters, this one {len(text):,}")
    if unprintable := _UNPRINTABLE.search(text):
        raise Malformed(unprintable.start(), "this character is not allowed in text")
    parser = _Parser(text)
    if parser.at_end():
        return None
    node = parser.conjunction(0)
    if not parser.at_end():
        raise parser.expected("AND, OR or the end")
    return node


class _Parser:
    """Recursive descent over the text; recursion is bounded by MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._terms = 0
        self._skip_space()

    def conjunction(self, depth: int) -> Node:
        terms = [self._disjunction(depth)]
        while self._keyword("AND"):
            terms.append(self._disjunction(depth))
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def at_end(self) -> bool:
        return self._position == len(self._text)

    def expected(self, what: str) -> Malformed:
        found = _BARE.match(self._text, self._position)
        seen = "the end" if self.at_end() else found.group()[:40] if found else self._text[self._position]
        return Malformed(self._position, f"expected {what}, found {seen}")

    def _disjunction(self, depth: int) -> Node:
        terms = [self._negation(depth)]
        while self._keyword("OR"):
            terms.append(self._negation(depth))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _negation(self, depth: int) -> Node:
        if depth >= MAX_DEPTH:
            raise Malformed(self._position, f"a filter nests at most {MAX_DEPTH} levels deep")
        if self._keyword("NOT") or self._symbol("-"):
            return Not(self._negation(depth + 1))
        if self._symbol("("):
            node = self.conjunction(depth + 1)
            if not self._symbol(")"):
                raise self.expected('AND, OR or ")"')
            return node
        return self._term()

    def _term(self) -> Node:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise Malformed(self._position, f"a filter has at most {MAX_TERMS} terms")
        position = self._position
        name = self._take(_NAME)
        if name is None:
            raise self.expected("a field, a function, NOT or a parenthesis")
        if self._symbol("("):
            return self._call(name, position)
        operator = self._take(_OPERATOR)
        if operator is None:
            raise self.expected(f'one of = != < <= > >= : after "{name}"')
        return Comparison(name, Operator(operator), self._literal(), position)

    def _call(self, function: str, position: int) -> Call:
        field = self._take(_NAME)
        if field is None:
            raise self.expected(f"a field as first argument of {function}()")
        arguments: list[Literal] = []
        while self._symbol(","):
            arguments.append(self._literal())
        if not self._symbol(")"):
            raise self.expected('"," or ")"')
        return Call(function, field, tuple(arguments), position)

    def _literal(self) -> Literal:
        position = self._position
        if quoted := _STRING.match(self._text, position):
            self._advance(quoted.end())
            body: str = quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
            return Literal(_ESCAPE.sub(r"\1", body), True, position)
        bare = self._take(_BARE)
        if bare is None:
            unclosed = self._text[position : position + 1] in {'"', "'"}
            raise Malformed(position, "this quote is not closed") if unclosed else self.expected("a value")
        return Literal(bare, False, position)

    def _keyword(self, word: str) -> bool:
        found = _KEYWORD.match(self._text, self._position)
        if found is None or found.group(1) != word:
            return False
        self._advance(found.end())
        return True

    def _symbol(self, symbol: str) -> bool:
        if not self._text.startswith(symbol, self._position):
            return False
        self._advance(self._position + len(symbol))
        return True

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._position)
        if found is None:
            return None
        self._advance(found.end())
        return found.group()

    def _advance(self, position: int) -> None:
        self._position = position
        self._skip_space()

    def _skip_space(self) -> None:
        space = _SPACE.match(self._text, self._position)
        self._position = space.end() if space else self._position
