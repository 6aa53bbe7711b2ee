"""Phone numbers: any spelling -> E.164 (`+13125550100`), by Google's metadata of each country.

A text that cannot be read is refused, never dialled as it is written: a rule such as `refused_destinations`
looks at the normal form, and the normal form is dialled.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

MAX_SPELLING: Final = 64
MAX_EXTENSION_DIGITS: Final = 6
"""A text with no more digits and no plus is a phone number only where its country has such numbers."""
_SEPARATORS: Final = re.compile(r"[-().\[\]/ ]")
_COMPACT: Final = re.compile(r"\+?[0-9]+(?:[A-Z]{3,}[0-9A-Z]*)?")
_EXTENSION: Final = re.compile(r"(?i)(?:;ext=|\s*ext(?:ension|n)?\.?:?|\s*x|\s*#)\s*[0-9]{1,12}$")
_PAUSES: Final = re.compile(r"(?i)(?<=[0-9)])\s*[,;pw](?:[,;pw\s]*[0-9*#]*)*$")
_TOO_SHORT, _TOO_LONG = "has too few digits", "has too many digits"
_WHY_NOT: Final = {
    ValidationResult.INVALID_COUNTRY_CODE: "begins with no country's code",
    ValidationResult.TOO_SHORT: _TOO_SHORT,
    ValidationResult.TOO_LONG: _TOO_LONG,
    ValidationResult.INVALID_LENGTH: "has a number of digits that its country does not use",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}
_UNREADABLE: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "begins with no country's code",
    NumberParseException.NOT_A_NUMBER: _TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: _TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: _TOO_SHORT,
    NumberParseException.TOO_LONG: _TOO_LONG,
}
REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""ISO 3166 codes of the countries whose national numbers can be read."""


class NotANumber(ValueError):
    """The text is no phone number; says which text and why."""


def folded(text: str) -> str:
    """The text in plain characters: other scripts' digits, wide letters, exotic dashes and spaces, and marks
    that nobody sees (numbers copied from an address book have them around). Raises NotANumber."""
    found = []
    for character in unicodedata.normalize("NFKC", text).strip():
        category = unicodedata.category(character)
        if category == "Nd":
            found.append(str(unicodedata.decimal(character)))
        elif category == "Pd" or character == "\N{MINUS SIGN}":
            found.append("-")
        elif category == "Zs":
            found.append(" ")
        elif category in ("Cc", "Cs", "Zl", "Zp"):
            raise NotANumber(f"{_shown(text)} has a control character")
        elif category != "Cf":
            found.append(character)
    return "".join(found).strip()


@lru_cache(maxsize=4096)
def normal(text: str, region: str) -> str:
    """E.164 with its plus. Without a plus in the text it is a number of `region` (two letters); only where
    that is impossible, one that has lost its plus or has 00 in its place. Raises NotANumber."""
    compact = _compact(text)
    try:
        if compact.startswith("+"):
            return _possible(_parsed(compact, ""))
        if not region:
            raise NotANumber("lacks its + and the code of its country")
        try:
            number = _possible(_parsed(compact, region))
            if len(compact) <= MAX_EXTENSION_DIGITS and not exists(number):
                # Germany's numbers may be as short as four digits: its metadata takes 1001 for one.
                raise NotANumber(_TOO_SHORT)
            return number
        except NotANumber as error:
            international = _valid(f"+{compact.removeprefix('00')}", "")
            if international is None:
                raise NotANumber(f"{error}, read as one of {region} (default_region)") from None
            return international
    except NotANumber as error:
        raise NotANumber(f"{_shown(text)} is no phone number: it {error}") from None


@lru_cache(maxsize=4096)
def recognised(text: str, region: str) -> str | None:
    """As `normal`, but of what others send: only what really is a number of its country; None for extensions,
    names and whatever else reaches a switch."""
    try:
        compact = _compact(text)
        if compact.startswith("+"):
            return _possible(_parsed(compact, ""))
    except NotANumber:
        return None
    return _valid(compact, region) or _valid(f"+{compact.removeprefix('00')}", "")


def is_e164(text: str) -> bool:
    """Whether it is a normal form."""
    return re.fullmatch(r"\+[1-9][0-9]{1,16}", text) is not None


def dialled_as(digits: str, region: str) -> tuple[str, ...]:
    """The digits that callers in `region` dial for a number whose E.164 is + and these digits; else the text
    alone."""
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except NumberParseException:
        return (digits,)
    if phonenumbers.country_code_for_region(region) != number.country_code or not exists(f"+{digits}"):
        return (digits,)
    national = phonenumbers.national_significant_number(number)
    dialled = re.sub(r"[^0-9]", "", phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
    return tuple(dict.fromkeys((digits, national, dialled)))


def exists(number: str) -> bool:
    """Of a normal form: whether its country has numbers that begin so."""
    return _valid(number, "") is not None


def _compact(text: str) -> str:
    if len(text) > MAX_SPELLING:
        raise NotANumber(f"{_shown(text)} is longer than {MAX_SPELLING} characters")
    plain = folded(text)
    for found, what in ((_EXTENSION, "an extension"), (_PAUSES, "pauses or keys to be sent")):
        if found.search(plain):
            raise NotANumber(f"{_shown(text)} has {what}: sendDigits sends keys after the answer")
    compact = _SEPARATORS.sub("", plain).upper()
    if not _COMPACT.fullmatch(compact):
        raise NotANumber(f"{_shown(text)} is no phone number")
    # A vanity number: 1-800-FLOWERS.
    return phonenumbers.convert_alpha_characters_in_number(compact)


def _parsed(compact: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(compact, region or None)
    except NumberParseException as error:
        raise NotANumber(_UNREADABLE[error.error_type]) from None


def _possible(number: phonenumbers.PhoneNumber) -> str:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != ValidationResult.IS_POSSIBLE:
        raise NotANumber(_WHY_NOT[possible])
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _valid(compact: str, region: str) -> str | None:
    """None unless its country has numbers that begin so."""
    try:
        number = phonenumbers.parse(compact, region or None)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _shown(text: str) -> str:
    return repr(text[:MAX_SPELLING])
