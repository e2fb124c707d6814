"""One written form for phone numbers, e-mail addresses and tax numbers, so that equal ones are found as equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from facet_kit.search import normalise_email, normalise_phone

HOME_REGION = "CN"
"""Country that phone numbers without a country code belong to."""

_SEPARATORS = re.compile(r"[\s\-./_]+")


def phone_list(texts: Iterable[str], field: str, *, region: str = HOME_REGION) -> list[str]:
    """Each number in E.164 form, without doubles, in the given order.

    Raises:
        Invalid: one is no phone number; names `field` with its place.
    """
    numbers = (
        normalise_phone(text, region=region, field=f"{field}[{place}]") for place, text in enumerate(texts)
    )
    return list(dict.fromkeys(numbers))


def email_list(texts: Iterable[str], field: str) -> list[str]:
    """The addresses in lower case, without doubles, in the given order.

    Raises:
        Invalid: one is no address; names `field` with its place.
    """
    addresses = (normalise_email(text, field=f"{field}[{place}]") for place, text in enumerate(texts))
    return list(dict.fromkeys(addresses))


def tax_number(text: str) -> str:
    """A tax number in capitals and half-width digits, without separators."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
