"""Telnyx's templates: `{{From}}`, `{{#if From == +1}}…{{#else}}…{{/if}}`, `{{#Numbers}}{{.}}{{/Numbers}}`.

They are filled in before the document is read as XML, with what it was asked for: the query of its URL and
our fields. A value is a text and never a tag: it is escaped, also in `{{{…}}}`. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.texml import limits

Values = Mapping[str, list[str]]
"""Name -> each value that was given for it, in order."""

_TAG = re.compile(r"\{\{\{(?P<raw>[^{}]*)\}\}\}|\{\{(?P<tag>[^{}]*)\}\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]*")
_CONDITION = re.compile(r"(?P<name>\S+?)\s*(?P<operator>==|!=)\s*(?P<value>.*)", re.DOTALL)
# Characters that no XML document may have, however it is written (XML 1.0, 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TemplateError(ValueError):
    """The template cannot be filled in; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Tag(NamedTuple):
    text: str
    """Inside of the braces."""
    line: int
    written: str
    """With them."""


@dataclass
class _Block:
    """The content between an opening tag and its closing one; `branches` are those of an if."""

    tag: _Tag
    branches: list[tuple[Callable[[Values, str], bool], list[_Part]]] = field(default_factory=list)


_Part = str | _Tag | _Block


def is_template(data: bytes) -> bool:
    return b"{{" in data


def fill_in(text: str, values: Values) -> str:
    """The document with its values. Raises TemplateError, also for one that grows beyond MAX_BYTES."""
    out: list[str] = []
    size = 0
    for piece in _render(_parse(text), values, ""):
        size += len(piece)
        if size > limits.MAX_BYTES:
            raise TemplateError(0, f"a template that grows beyond {limits.MAX_BYTES} characters")
        out.append(piece)
    return "".join(out)


def values_of(pairs: Sequence[tuple[str, str]]) -> Values:
    """As in a request: a name that comes several times is a list, `Numbers[]` is `Numbers`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name.removesuffix("[]"), []).append(value)
    return values


# Reading


def _parse(text: str) -> list[_Part]:
    whole: list[_Part] = []
    # Opening tag and the list that is being filled; the outermost has no tag.
    stack: list[tuple[_Block | None, list[_Part]]] = [(None, whole)]
    for piece in _pieces(text):
        block, parts = stack[-1]
        if isinstance(piece, str):
            parts.append(piece)
            continue
        word, argument = _word(piece)
        if word == "open":
            if len(stack) > limits.MAX_TEMPLATE_DEPTH:
                raise TemplateError(piece.line, f"{{{{{piece.text}}}}} stands in too many others")
            inside: list[_Part] = []
            new = _Block(piece, [(_test(piece, argument), inside)])
            parts.append(new)
            stack.append((new, inside))
        elif word == "else":
            if block is None or not _is_if(block.tag):
                raise TemplateError(piece.line, f"{{{{{piece.text}}}}} without an {{{{#if}}}}")
            inside = []
            block.branches.append((_test(piece, argument), inside))
            stack[-1] = (block, inside)
        elif word == "close":
            if block is None or argument != _name_of(block.tag):
                opened = f"{{{{{block.tag.text}}}}} of line {block.tag.line}" if block else "anything open"
                raise TemplateError(piece.line, f"{{{{{piece.text}}}}} does not close {opened}")
            stack.pop()
        elif word == "value":
            parts.append(piece)
        elif word == "text":
            parts.append(piece.written.replace("\n", " "))
    if (left := stack[-1][0]) is not None:
        raise TemplateError(left.tag.line, f"{{{{{left.tag.text}}}}} is not closed")
    return whole


def _pieces(text: str) -> Iterator[str | _Tag]:
    """The texts and the tags in turn. A tag that stood on several lines leaves them behind."""
    at, line = 0, 1
    for match in _TAG.finditer(text):
        before = text[at : match.start()]
        line += before.count("\n")
        yield before
        inside = match["raw"] if match["raw"] is not None else match["tag"]
        yield _Tag(" ".join(inside.split()), line, match[0])
        broken = match[0].count("\n")
        line += broken
        if broken:
            yield "\n" * broken
        at = match.end()
    yield text[at:]


def _word(tag: _Tag) -> tuple[str, str]:
    """open, else, close, value, comment or text, and what follows."""
    text = tag.text
    first = text[:1]
    if first == "!":
        return "comment", ""
    if first == ">":
        raise TemplateError(tag.line, f"{{{{{text[:60]}}}}}: there are no partials")
    bare = text.lstrip("#").strip()
    for keyword in ("elseif", "else if", "else"):
        if bare == keyword or bare.startswith(keyword + " "):
            return "else", bare[len(keyword) :].strip()
    if first in ("#", "^"):
        return "open", text[1:].strip()
    if first == "/":
        return "close", text[1:].strip()
    name = text.removeprefix("&").strip()
    # Other text in two braces, JSON for example, is no template.
    return ("value", name) if name == "." or _NAME.fullmatch(name) else ("text", "")


def _is_if(tag: _Tag) -> bool:
    return tag.text.startswith("#") and (tag.text[1:].strip() + " ").startswith("if ")


def _name_of(tag: _Tag) -> str:
    return "if" if _is_if(tag) else tag.text[1:].strip()


def _test(tag: _Tag, argument: str) -> Callable[[Values, str], bool]:
    """Whether a branch is taken; an else without a condition always is."""
    if not (_is_if(tag) or tag.text.lstrip("#").strip().startswith("else")):
        if not _NAME.fullmatch(argument) and argument != ".":
            raise TemplateError(tag.line, f"{{{{{tag.text[:60]}}}}} has no name")
        return lambda values, own: bool(values.get(argument))
    condition = argument.removeprefix("if").strip() if _is_if(tag) else argument
    if not condition:
        if _is_if(tag):
            raise TemplateError(tag.line, f"{{{{{tag.text}}}}} has no condition")
        return lambda values, own: True
    match = _CONDITION.fullmatch(condition)
    name = match["name"] if match else condition
    if name != "." and not _NAME.fullmatch(name):
        message = f"{{{{{tag.text[:60]}}}}}: a condition is a name, or a name, == or !=, and a value"
        raise TemplateError(tag.line, message)
    if match is None:
        return lambda values, own: bool(_first(values, name, own))
    wanted, equal = _unquoted(match["value"].strip()), match["operator"] == "=="
    return lambda values, own: (_first(values, name, own) == wanted) is equal


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


# Filling in


def _render(parts: list[_Part], values: Values, own: str) -> Iterator[str]:
    """`own` is the entry of the list that is gone through: `{{.}}`."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Tag):
            yield _escaped(_first(values, part.text.removeprefix("&").strip(), own))
        else:
            yield from _render_block(part, values, own)


def _render_block(block: _Block, values: Values, own: str) -> Iterator[str]:
    if _is_if(block.tag):
        taken = next((inside for test, inside in block.branches if test(values, own)), None)
        for _, inside in block.branches:
            if inside is taken:
                yield from _render(inside, values, own)
            else:
                # The lines stay, so that a warning names the right one.
                yield "\n" * _lines_in(inside)
        return
    ((_, inside),) = block.branches
    given = [value for value in values.get(_name_of(block.tag), []) if value]
    if block.tag.text.startswith("^"):
        given = [""] if not given else []
    for value in given:
        yield from _render(inside, values, value)
    if not given:
        yield "\n" * _lines_in(inside)


def _lines_in(parts: list[_Part]) -> int:
    lines = 0
    for part in parts:
        if isinstance(part, str):
            lines += part.count("\n")
        elif isinstance(part, _Block):
            lines += sum(_lines_in(inside) for _, inside in part.branches)
    return lines


def _first(values: Values, name: str, own: str) -> str:
    """A value that is not given is empty."""
    if name == ".":
        return own
    found = values.get(name.removesuffix("[]"))
    return found[0] if found else ""


def _escaped(value: str) -> str:
    return html.escape(_NOT_XML.sub(" ", value))
