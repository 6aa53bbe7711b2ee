"""The results of parse(): a document, its warnings, or the error that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.texml.response import Verb


class DocumentError(Exception):
    """There is no usable Response in the document: not well-formed, too big or deep, a DTD, another root.

    `line` counts from 1 and is 0 where no line is to blame.
    """

    def __init__(self, source: str, line: int, message: str) -> None:
        super().__init__(source, line, message)
        self.source = source
        self.line = line
        self.message = message

    def __str__(self) -> str:
        return f"{self.source or 'document'}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Warning:
    """Something in the document that is not done as written; the call goes on regardless.

    `attribute` is empty where the whole element is meant, `used` where nothing is put in the value's place.
    """

    source: str
    line: int
    element: str
    attribute: str
    value: str
    message: str
    used: str = ""

    def __str__(self) -> str:
        tag = f'{self.element} {self.attribute}="{self.value}"' if self.attribute else self.element
        used = f"; using {self.used}" if self.used else ""
        return f"{self.source or 'document'}:{self.line}: <{tag}>: {self.message}{used}"


@dataclass(frozen=True, slots=True)
class Document:
    """The verbs in the order in which they run, and everything that was not understood on the way."""

    verbs: tuple[Verb, ...]
    warnings: tuple[Warning, ...] = ()
