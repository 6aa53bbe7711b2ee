"""Errors of pydantic, in words for the person who wrote the file."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.config import explanation
from orchestrator.config.errors import ConfigError
from orchestrator.config.references import did_you_mean, nearest
from orchestrator.config.tree import Path, Tree

_SECRET_KEYS = ("password", "signing_key", "auth_token", "api_keys")

_PLAIN_WORDS = {
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "bool_parsing": "should be true or false",
    "string_type": "should be a text",
    "model_type": "should be a section with keys of its own",
    "dict_type": "should be a section with keys of its own",
    "tuple_type": "should be a list",
}


def explain(error: ValidationError, tree: Tree) -> Iterator[ConfigError]:
    for detail in error.errors(include_url=False):
        # `[key]` marks a fault of the key itself.
        path: Path = tuple(step for step in detail["loc"] if step != "[key]")
        message, hint = _words(detail, path)
        yield tree.error(path, message, hint)


def _words(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "setting":
        return str(context["text"]), str(context["hint"])
    if kind == "extra_forbidden":
        known = explanation.below(explanation.at(path[:-1]))
        return "unknown key", did_you_mean(str(path[-1]), known) or f"known: {', '.join(known)}"
    if kind == "missing":
        return "is missing", _description(path)
    given = detail["input"]
    shown = isinstance(given, str) and not any(step in _SECRET_KEYS for step in path)
    suffix = f", not {given!r}" if shown else ""
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        return f"should be {expected}{suffix}", nearest(
            str(given), expected.replace(" or ", ", ").split(", ")
        )
    if kind == "string_pattern_mismatch":
        quoted = f"{given!r} " if shown else ""
        return f"{quoted}has characters that do not belong there", f"it has to fit {context['pattern']}"
    message = _PLAIN_WORDS.get(kind) or _decapitalised(detail["msg"].removeprefix("Input "))
    return f"{message}{suffix}", _description(path)


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _description(path: Path) -> str:
    key = explanation.at(path)
    return next((entry.hint for entry in explanation.entries() if entry.key == key), "")
