"""Every key of a settings file explained, from the schema itself: it cannot say otherwise."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orchestrator.config.live import needs_restart
from orchestrator.config.settings import Settings

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
# What load() puts where the file has nothing, though the schema wants something.
_FILLED_IN = {
    "applications.NAME.account": "the only account",
    "applications.NAME.connection_id": "made from the name",
}


@dataclass(frozen=True)
class Entry:
    """One key: `path` as in profiles.NAME.rate and accounts[].sid."""

    path: str
    about: str
    kind: str
    default: str
    """As one would write it; empty where there is none, or the key is a section."""
    required: bool = False

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


def entries() -> list[Entry]:
    """All keys, in the order of the schema."""
    return list(_entries(Settings, "", None))


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
    """Last words that look like `key`."""
    words = {entry.path.rpartition(".")[2].removesuffix("[]") for entry in entries()}
    return difflib.get_close_matches(key.rpartition(".")[2], sorted(words), n=3, cutoff=0.5)


def _named(wanted: str, found: list[Entry]) -> list[Entry]:
    """`profiles.wide.rate` is what profiles.NAME.rate is in a file."""
    steps = wanted.split(".")
    if len(steps) < 2:
        return []
    without = ".".join((steps[0], *steps[2:]))
    return [entry for entry in found if _plain(entry.path) == without]


def _plain(path: str) -> str:
    path = path.replace("[]", "").replace(".NAME", "")
    return "".join(character for part in path.split("[") for character in part.partition("]")[2] or part)


def _entries(model: type[BaseModel], prefix: str, given: BaseModel | None) -> Iterator[Entry]:
    """`given`: the section as it is where the file has none; its keys are what they are there."""
    for name, field in model.model_fields.items():
        if name == "name" and ".NAME" in prefix:
            continue
        path = f"{prefix}{field.alias or name}"
        section, shape = _section(field.annotation)
        if section is not None:
            yield Entry(path + shape, _sentences(section.__doc__, field.description), "", "")
            inside = field.default if isinstance(field.default, BaseModel) else None
            yield from _entries(section, f"{path}{shape}.", inside)
            continue
        # What validation has made of a default is not what one would write.
        value = getattr(given, name) if given is not None and field.is_required() else field.default
        default = _FILLED_IN.get(path) or _default(value)
        required = field.is_required() and not default
        yield Entry(path, field.description or "", _kind(name, field), default, required)


def _sentences(*texts: str | None) -> str:
    words = [" ".join(text.split()).rstrip(".") for text in texts if text]
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in words)


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The section that a key holds, and how it is reached from there."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType, Annotated):
        found = (_section(argument) for argument in arguments)
        return next((one for one in found if one[0] is not None), (None, ""))
    if origin in (tuple, dict):
        inside = arguments[0] if origin is tuple else arguments[-1]
        section, _ = _section(inside)
        return section, "[]" if origin is tuple else ".NAME"
    return None, ""


def _kind(name: str, field: FieldInfo) -> str:
    kinds = " or ".join(dict.fromkeys(_kinds(field.annotation)))
    unit = _UNITS.get(name.rpartition("_")[2])
    limits = [*_limits(field.metadata), *_limits(_inner(field.annotation))]
    return " ".join((f"{kinds} of {unit}" if unit else kinds, *limits)).strip()


def _kinds(annotation: Any, plural: str = "") -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield ", ".join(str(argument) for argument in arguments)
    elif origin is tuple:
        yield "list of " + " or ".join(dict.fromkeys(_kinds(arguments[0], "s")))
    elif origin is dict:
        yield "mapping to " + " or ".join(dict.fromkeys(_kinds(arguments[1], "s")))
    elif origin is Annotated:
        yield from _kinds(arguments[0], plural)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _kinds(argument, plural)
    elif annotation is not NoneType:
        yield _WORDS.get(annotation, "network" if "Network" in str(annotation) else "text") + plural


_WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true, false",
    Path: "path",
    SecretStr: "secret",
}


def _inner(annotation: Any) -> list[Any]:
    """What stands beside a type within a union: int | None with limits of its own."""
    found: list[Any] = []
    for argument in get_args(annotation):
        if get_origin(argument) is Annotated:
            for extra in get_args(argument)[1:]:
                found += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    return found


def _limits(metadata: list[Any]) -> Iterator[str]:
    for limit in metadata:
        match limit:
            case Ge(ge=value):
                yield f"from {value}"
            case Gt(gt=value):
                yield f"above {value}"
            case Le(le=value):
                yield f"to {value}"
            case Lt(lt=value):
                yield f"below {value}"


def _default(value: object) -> str:
    if value is PydanticUndefined or value is None or value == () or value == {}:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return f"[{', '.join(_default(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_default(item)}" for key, item in value.items()) + "}"
    return str(value)
