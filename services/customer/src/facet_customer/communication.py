"""One written form for phone numbers, e-mail addresses and tax numbers, so that equal ones are found as equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import phonenumbers

from facet_kit.errors import Invalid

HOME_REGION = "CN"
"""Country that numbers without a country code belong to."""

_SEPARATORS = re.compile(r"[\s\-./_]+")


def phone_number(text: str, field: str, *, region: str = HOME_REGION) -> str:
    """The number in E.164 form, an extension as `;ext=`; the empty text stays empty.

    Raises:
        Invalid: no phone number can look like this; names `field`.
    """
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, region or HOME_REGION)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid(
            "PHONE", f"{text!r} is no phone number; write it with country code, +86 10 1234 5678", field=field
        )
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


def phone_list(texts: Iterable[str], field: str, *, region: str = HOME_REGION) -> list[str]:
    """Each number in E.164 form, without doubles, in the given order.

    Raises:
        Invalid: one is no phone number.
    """
    numbers = (phone_number(text, f"{field}[{place}]", region=region) for place, text in enumerate(texts))
    return list(dict.fromkeys(number for number in numbers if number))


def email_list(texts: Iterable[str]) -> list[str]:
    """The addresses in lower case, without doubles, in the given order."""
    return list(dict.fromkeys(text.strip().lower() for text in texts if text.strip()))


def tax_number(text: str) -> str:
    """A tax number in capitals and half-width digits, without separators."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
