"""Phones in E.164 and e-mail addresses in the one form that is stored and compared. Pure: no database."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import phonenumbers

from facet_kit.errors import Invalid

_EMAIL: Final = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_MAX_EMAIL: Final = 254


def normalise_phone(text: str, *, region: str = "CN", field: str = "phone") -> str:
    """The number in E.164, `+8613812345678`; one without a country code belongs to `region` (ISO 3166).

    Raises:
        Invalid: no number like this can exist; names `field`.
    """
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid(
            "PHONE",
            f"{text[:40]!r} is no phone number: write it with its country code, like +86 138 1234 5678",
            field=field,
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_email(text: str, *, field: str = "email") -> str:
    """The address in lower case without surrounding space.

    Raises:
        Invalid: it is no address; names `field`.
    """
    address = unicodedata.normalize("NFKC", text).strip().lower()
    if len(address) > _MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise Invalid(
            "EMAIL", f"{text[:80]!r} is no e-mail address: write it like name@example.com", field=field
        )
    return address
