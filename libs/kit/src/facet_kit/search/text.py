"""Makes names comparable: width, case, script and punctuation do not count. Pure: no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final

import opencc
from pypinyin import Style, lazy_pinyin

_CJK: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAS_CJK: Final = re.compile(f"[{_CJK}]")
_BETWEEN_CJK: Final = re.compile(rf"(?<=[{_CJK}])[^\w@+]+(?=[{_CJK}])")
_NOT_WORD: Final = re.compile(r"[^\w@.+-]+|_")
_EDGES: Final = re.compile(r"(?<!\S)[.+-]+|[.+-]+(?!\S)")


def normalise_name(text: str) -> str:
    """The text as names are compared: NFKC (full width becomes plain), lower case, simplified characters.

    Punctuation between Chinese characters goes, other punctuation separates words; `@.+-` stay inside a word.
    """
    plain = _simplifier()(unicodedata.normalize("NFKC", text)).casefold()
    joined = _BETWEEN_CJK.sub("", plain.replace("\x00", ""))
    return " ".join(_EDGES.sub(" ", _NOT_WORD.sub(" ", joined)).split())


def has_cjk(text: str) -> bool:
    """Whether any character is Chinese."""
    return _HAS_CJK.search(text) is not None


def pinyin_keys(name: str) -> tuple[str, str] | None:
    """Full pinyin and initials of a normalised name, `tengxunkeji` and `txkj`; None where there is no Chinese."""
    if not has_cjk(name):
        return None
    compact = name.replace(" ", "")
    full = lazy_pinyin(compact, style=Style.NORMAL, v_to_u=False)
    initials = lazy_pinyin(compact, style=Style.FIRST_LETTER)
    return "".join(full), "".join(initials)


def bigrams(name: str) -> set[str]:
    """Pairs of neighbours of which one is Chinese: what PostgreSQL's trigrams cannot find two characters by."""
    return {pair for word in name.split() for pair in map("".join, pairwise(word)) if has_cjk(pair)}


def all_bigrams(names: Iterable[str]) -> list[str]:
    """The bigrams of several normalised names, in a stable order."""
    return sorted(set[str]().union(*map(bigrams, names)))


@lru_cache(maxsize=1)
def _simplifier() -> Callable[[str], str]:
    return opencc.OpenCC("t2s").convert  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
