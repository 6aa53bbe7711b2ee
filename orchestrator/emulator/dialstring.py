"""Dial strings: `{for all}[for one]endpoint,endpoint|endpoint` (switch_ivr_originate.c). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One leg to call, `sofia/internal/1001@host`, with the variables that hold for it."""

    endpoint: str
    variables: dict[str, str]

    @property
    def module(self) -> str:
        return self.endpoint.partition("/")[0]

    @property
    def address(self) -> str:
        """`1001@host:port`, without scheme and parameters."""
        address = self.endpoint.rpartition("/")[2].partition(";")[0]
        return re.sub(r"^sips?:", "", address)

    @property
    def number(self) -> str:
        return self.address.partition("@")[0]


@dataclass(frozen=True)
class DialString:
    """`groups` are tried one after the other; the legs of one are rung all at once."""

    variables: dict[str, str]
    groups: tuple[tuple[Target, ...], ...]


def parse(text: str) -> DialString:
    common, rest = _brackets(text, "{", "}")
    groups = []
    for part in _split_outside(rest, "|"):
        targets = []
        for leg in _split_outside(part, ","):
            own, endpoint = _brackets(leg, "[", "]")
            if endpoint.strip():
                targets.append(Target(endpoint.strip(), {**own, **common} | own))
        if targets:
            groups.append(tuple(targets))
    return DialString(common, tuple(groups))


def _brackets(text: str, opening: str, closing: str) -> tuple[dict[str, str], str]:
    """Leading `{a=1,b=2}`; `^^;` changes the separator, `'…'` and a backslash keep one inside a value."""
    found: dict[str, str] = {}
    text = text.lstrip()
    while text.startswith(opening) and closing in text:
        inside, _, text = text[1:].partition(closing)
        separator = ","
        if inside.startswith("^^") and len(inside) > 2:
            separator, inside = inside[2], inside[3:]
        for pair in _split_quoted(inside, separator):
            name, equals, value = pair.partition("=")
            if equals:
                found[name.strip()] = value.removeprefix("'").removesuffix("'")
        text = text.lstrip()
    return found, text


def _split_quoted(text: str, separator: str) -> list[str]:
    parts, part, quoted = [], "", False
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == "\\" and text[position + 1 : position + 2] == separator:
            part += separator
            position += 1
        elif sign == separator and not quoted:
            parts.append(part)
            part = ""
        else:
            quoted ^= sign == "'"
            part += sign
        position += 1
    return [*parts, part]


def _split_outside(text: str, separator: str) -> list[str]:
    """At separators that stand in no brackets."""
    parts, depth, part = [], 0, ""
    for sign in text:
        depth += (sign in "[{<") - (sign in "]}>")
        if sign == separator and depth <= 0:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [*parts, part]
