"""The columns and indexes by which an entity is found."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.search.text import all_bigrams, normalise_name, pinyin_keys

# New entries go into the index proper: a list of pending ones would be read through by every search.
_AT_ONCE: Final = {"fastupdate": "off"}


class Searchable:
    """Mixin: call `index_search` whenever a name, phone or address of the entity changes.

    Each key in a column follows a space, so that `% key` finds beginnings of words with a trigram index.
    """

    search_text: Mapped[str] = mapped_column(default="", info={"audit": False})
    """Names and e-mail addresses, normalised, the principal name first."""
    search_pinyin: Mapped[str] = mapped_column(default="", info={"audit": False})
    """Full pinyin of the Chinese names."""
    search_initials: Mapped[str] = mapped_column(default="", info={"audit": False})
    """Pinyin initials of the Chinese names."""
    search_phones: Mapped[str] = mapped_column(default="", info={"audit": False})
    """Phones in E.164 without the plus sign."""
    search_bigrams: Mapped[list[str]] = mapped_column(default=list, info={"audit": False})
    """Pairs of neighbouring characters of the Chinese names."""

    def index_search(
        self, names: Iterable[str], *, phones: Iterable[str] = (), emails: Iterable[str] = ()
    ) -> None:
        """Makes the entity findable by these names (its own first, then nicknames, short names …) and addresses.

        Phones and e-mails are expected normalised, as `normalise_phone` and `normalise_email` return them.
        """
        normal = [each for each in map(normalise_name, names) if each]
        keys = [each for each in map(pinyin_keys, normal) if each]
        self.search_text = _spaced([*normal, *(address.lower() for address in emails)])
        self.search_pinyin = _spaced(full for full, _ in keys)
        self.search_initials = _spaced(initials for _, initials in keys)
        self.search_phones = _spaced(phone.removeprefix("+") for phone in phones)
        self.search_bigrams = all_bigrams(normal)


def search_indexes(table: str) -> tuple[Index, ...]:
    """The indexes for `__table_args__` of an entity that mixes in Searchable. They need the extension pg_trgm."""
    columns = ("search_text", "search_pinyin", "search_initials", "search_phones")
    trigrams = (
        Index(
            f"ix_{table}_{column}",
            column,
            postgresql_using="gin",
            postgresql_ops={column: "gin_trgm_ops"},
            postgresql_with=_AT_ONCE,
        )
        for column in columns
    )
    pairs = Index(
        f"ix_{table}_search_bigrams", "search_bigrams", postgresql_using="gin", postgresql_with=_AT_ONCE
    )
    return (*trigrams, pairs)


def _spaced(keys: Iterable[str]) -> str:
    """The distinct keys in their order, each after a space."""
    return "".join(f" {key}" for key in dict.fromkeys(keys))
