"""Conditions that find what a user typed, each served by an index whatever the length of a word."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, true

from facet_kit.database.base import Aggregate
from facet_kit.errors import Invalid
from facet_kit.search.text import bigrams, has_cjk, normalise_name

MAX_LENGTH: Final = 100
_MAX_WORDS: Final = 6
_CANDIDATES: Final = 1_000
_PHONE: Final = re.compile(r"[+\d][\d\s()./-]*")
_MIN_DIGITS: Final = 3
_MIN_TRIGRAM: Final = 3


class _Columns:
    """The search columns of an entity that mixes in Searchable."""

    def __init__(self, entity: type[Aggregate]) -> None:
        def column(name: str) -> ColumnElement[Any]:
            return getattr(entity, f"search_{name}").expression

        self.text = column("text")
        self.phones = column("phones")
        self.bigrams = column("bigrams")
        self.latin = (self.text, column("pinyin"), column("initials"))


E = TypeVar("E", bound=Aggregate)


def search_clause(entity: type[Aggregate], query: str) -> ColumnElement[bool]:
    """The condition that a Searchable entity matches what was typed; true for nothing.

    Every word must be found: Chinese anywhere in a name (one character: at its beginning); Latin anywhere in names,
    e-mails, pinyin or initials (one or two letters: at the beginning of a word); digits anywhere in a phone.

    Raises:
        Invalid: longer than 100 characters; names `query`.
    """
    if len(query) > MAX_LENGTH:
        raise Invalid("QUERY_TOO_LONG", f"search for at most {MAX_LENGTH} characters", field="query")
    columns = _Columns(entity)
    words = normalise_name(query).split()[:_MAX_WORDS]
    by_words = and_(true(), *(_word(columns, word) for word in words))
    digits = _phone_digits(query)
    return or_(columns.phones.contains(digits, autoescape=True), by_words) if digits else by_words


def search_select(entity: type[E], query: str, *, limit: int = 20) -> Select[E]:
    """The best matches of a search box: names that begin with what was typed first, then shorter names.

    A word that half the table matches costs no more than any other: only a thousand candidates are ranked.
    """
    text = _Columns(entity).text
    typed = normalise_name(query)
    candidates = select(entity.id).where(search_clause(entity, query)).limit(_CANDIDATES)
    rank = case(
        (_starts(text, f" {typed} "), 0),
        (text == literal(f" {typed}"), 0),
        (_starts(text, f" {typed}"), 1),
        else_=2,
    )
    ranked = select(entity).where(entity.id.in_(candidates.scalar_subquery()))
    return ranked.order_by(rank, func.length(text), entity.id).limit(limit)


def _word(columns: _Columns, word: str) -> ColumnElement[bool]:
    if has_cjk(word):
        return _chinese(columns, word)
    latin = (columns.text,) if word.isdigit() else columns.latin
    if len(word) < _MIN_TRIGRAM:
        # Too short for a trigram; but the beginning of a word makes one together with the space before it.
        return or_(*(key.contains(f" {word}", autoescape=True) for key in latin))
    return or_(*(key.contains(word, autoescape=True) for key in latin))


def _chinese(columns: _Columns, word: str) -> ColumnElement[bool]:
    pairs = bigrams(word)
    if not pairs:
        return columns.text.contains(f" {word}", autoescape=True)
    # The pairs find the rows by their index, also two characters that no trigram index can; LIKE checks their order.
    known = columns.bigrams.op("@>", is_comparison=True)(literal(sorted(pairs), columns.bigrams.type))
    return known if len(word) == 2 else and_(known, columns.text.contains(word, autoescape=True))


def _phone_digits(query: str) -> str:
    """The digits of what looks like (part of) a phone number, without trunk or international prefix; else empty."""
    if not _PHONE.fullmatch(query.strip()):
        return ""
    digits = re.sub(r"\D", "", query).lstrip("0")
    return digits if len(digits) >= _MIN_DIGITS else ""


def _starts(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    return column.startswith(prefix, autoescape=True)
