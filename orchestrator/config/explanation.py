"""Every key of a settings file explained, from the schema itself: it cannot say otherwise."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from orchestrator.config.current import needs_restart
from orchestrator.config.settings import Settings

Schema = dict[str, Any]
"""JSON schema, as pydantic makes it of the settings."""

WIDTH = 96
# By the last word of a key's name.
_UNITS = {
    "secs": "seconds",
    "seconds": "seconds",
    "ms": "milliseconds",
    "days": "days",
    "bytes": "bytes",
    "hz": "Hz",
}
# Values that load() adds where the file has none, though the schema requires one.
_FILLED_IN = {
    "applications.NAME.account": "the only account",
    "applications.NAME.connection_id": "made from the name",
}


_WORDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true, false",
    "path": "path",
    "password": "secret",
    "ipv4network": "network",
    "ipv6network": "network",
}
_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


@dataclass(frozen=True)
class Entry:
    """One key: `path` as in profiles.NAME.rate and accounts[].sid."""

    path: str
    about: str
    kind: str
    default: str
    """As one would write it; empty where there is none, or the key is a section."""
    required: bool = False
    hint: str = ""
    """`about` without what a section of this kind is."""

    @property
    def key(self) -> str:
        return self.path.removesuffix("[]").removesuffix(".NAME")

    @property
    def live(self) -> bool:
        """Whether `orchestrator reload` takes it over; of a section it depends on its keys."""
        return not needs_restart(self.path)

    def __str__(self) -> str:
        restart = "needs a restart" if self.kind and not self.live else ""
        default = self.default and f"default {self.default}"
        facts = "; ".join(fact for fact in (self.kind, default, restart) if fact)
        about = textwrap.fill(self.about, WIDTH, initial_indent="    ", subsequent_indent="    ")
        return f"{self.path}" + (f"  ({facts})" if facts else "") + (f"\n{about}" if about else "")


@cache
def entries() -> tuple[Entry, ...]:
    """All keys, in the order of the schema."""
    schema = Settings.model_json_schema()
    return tuple(_entries(schema, schema["$defs"], "", None))


def at(path: Sequence[str | int]) -> str:
    """The key at a place in a file as `Entry.path` has it: accounts[].sid for accounts[0].sid."""
    known, key = {entry.path for entry in entries()}, ""
    for step in path:
        if isinstance(step, int):
            key += "[]"
        else:
            key += ".NAME" if f"{key}.NAME" in known else f".{step}" if key else step
    return key


def below(key: str) -> list[str]:
    """The keys that a section may have."""
    places = (entry.key.rpartition(".") for entry in entries())
    return [word for section, _, word in places if section == key]


def about(key: str) -> list[Entry]:
    """Those that `key` may mean: a path with or without names and numbers, a section, a last word."""
    wanted, found = _plain(key), entries()
    exact = [entry for entry in found if _plain(entry.path) == wanted]
    if exact:
        below = [entry for entry in found if _plain(entry.path).startswith(wanted + ".")]
        return exact + below
    return [entry for entry in found if f".{_plain(entry.path)}".endswith(f".{wanted}")] or _named(
        wanted, found
    )


def near(key: str) -> list[str]:
    """Keys that look like `key`, by their last part."""
    words = {entry.path.rpartition(".")[2].removesuffix("[]") for entry in entries()}
    return difflib.get_close_matches(key.rpartition(".")[2], sorted(words), n=3, cutoff=0.5)


def _named(wanted: str, found: Sequence[Entry]) -> list[Entry]:
    """`profiles.wide.rate` is what profiles.NAME.rate is in a file."""
    steps = wanted.split(".")
    if len(steps) < 2:
        return []
    without = ".".join((steps[0], *steps[2:]))
    return [entry for entry in found if _plain(entry.path) == without]


def _plain(path: str) -> str:
    path = path.replace("[]", "").replace(".NAME", "")
    return "".join(character for part in path.split("[") for character in part.partition("]")[2] or part)


def _entries(section: Schema, definitions: Schema, prefix: str, given: object) -> Iterator[Entry]:
    """`given`: the section as it is where the file has none; its keys are what they are there."""
    for name, key in section["properties"].items():
        if name == "name" and ".NAME" in prefix:
            continue
        path, about = f"{prefix}{name}", key.get("description")
        inside, shape = _section(key, definitions)
        if inside is not None:
            yield Entry(path + shape, _sentences(inside.get("description"), about), "", "", hint=about or "")
            yield from _entries(inside, definitions, f"{path}{shape}.", key.get("default"))
            continue
        required = name in section.get("required", ())
        value = given.get(name) if required and isinstance(given, dict) else key.get("default")
        default = _FILLED_IN.get(path) or _default(value)
        yield Entry(path, about or "", _kind(name, key), default, required and not default, about or "")


def _sentences(*texts: str | None) -> str:
    words = [" ".join(text.split()).rstrip(".") for text in texts if text]
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in words)


def _section(key: Schema, definitions: Schema) -> tuple[Schema | None, str]:
    """The section that a key holds, and how it is reached from there."""
    for one in (key, *key.get("allOf", ()), *key.get("anyOf", ())):
        if "$ref" in one:
            return definitions[one["$ref"].rpartition("/")[2]], ""
    for inside in _inside(key):
        return _section(inside, definitions)[0], "[]" if key["type"] == "array" else ".NAME"
    return None, ""


def _inside(key: Schema) -> list[Schema]:
    """The type of a list's items or a mapping's values."""
    found = (key.get("items"), key.get("additionalProperties"), *key.get("patternProperties", {}).values())
    return [schema for schema in found if isinstance(schema, dict)]


def _kind(name: str, key: Schema) -> str:
    kinds = " or ".join(dict.fromkeys(_kinds(key)))
    unit = _UNITS.get(name.rpartition("_")[2])
    limits = [
        f"{word} {one[limit]}"
        for one in (key, *key.get("anyOf", ()), *_inside(key))
        for limit, word in _LIMITS.items()
        if limit in one
    ]
    return " ".join((f"{kinds} of {unit}" if unit else kinds, *limits)).strip()


def _kinds(key: Schema, plural: str = "") -> Iterator[str]:
    if "enum" in key or "const" in key:
        yield ", ".join(key.get("enum") or [key["const"]])
    elif "anyOf" in key:
        for one in key["anyOf"]:
            yield from _kinds(one, plural)
    elif inside := _inside(key):
        many = "list of " if key["type"] == "array" else "mapping to "
        yield many + " or ".join(dict.fromkeys(_kinds(inside[0], "s")))
    elif key["type"] != "null":
        yield _WORDS.get(key.get("format") or key["type"], "text") + plural


def _default(value: object) -> str:
    if value in (None, [], {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(map(_default, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_default(item)}" for key, item in value.items()) + "}"
    return str(value)
