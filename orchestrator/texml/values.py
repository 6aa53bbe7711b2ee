"""Booleans, words, lists of words and empty URLs: the same rules for documents and the REST API.

Pure text: a document warns of a value that is not understood here, the REST API refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

S = TypeVar("S", bound=str)

# 1 is what PHP's true is written as; yes and no stand in hand-made documents.
_TRUE = ("true", "1", "yes")
_FALSE = ("false", "0", "no")
_BOOLEANS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
# The vendors write lists with spaces; their clients' users join theirs with commas too.
_SEPARATORS = re.compile(r"[\s,;]+")


def boolean(written: str) -> bool | None:
    """`true`, `1`, `yes` or `false`, `0`, `no`, in any case, white space around it aside; None: neither."""
    return _BOOLEANS.get(written.strip().lower())


def words(written: str) -> list[str]:
    """The words of a list, separated by white space, commas or semicolons, in any mixture."""
    return [word for word in _SEPARATORS.split(written) if word]


def is_no_url(written: str) -> bool:
    """Whether this is an empty URL: no request is made, as without one.

    Where an empty one has a meaning of its own, it is another kind of value: `action` and Redirect (the same
    document again, as an empty reference is by RFC 3986), `waitUrl`, `WaitUrl` and `HoldUrl` (silence).
    """
    return not written.strip()


@dataclass(frozen=True)
class Options(Generic[S]):
    """The words that a value may be, in any case.

    `aliases` are other words for the same, in lower case. `true` and `false`: what a boolean means, where it
    means anything. `elsewhere`: another element's words for much the same; a document warns of those.
    """

    words: tuple[S, ...]
    aliases: Mapping[str, S] = field(default_factory=dict)
    true: S | None = None
    false: S | None = None
    elsewhere: Mapping[str, S] = field(default_factory=dict)

    @cached_property
    def _known(self) -> dict[str, S]:
        booleans = {
            word: option
            for word, value in _BOOLEANS.items()
            if (option := self.true if value else self.false) is not None
        }
        return booleans | dict(self.aliases) | {option.lower(): option for option in self.words}

    def find(self, written: str) -> S | None:
        """The word that is meant; None if none is."""
        return self._known.get(written.strip().lower())

    def find_all(self, written: str) -> tuple[frozenset[S], list[str]]:
        """The words of a list, and those in it that are not understood."""
        found: set[S] = set()
        unknown = []
        for word in words(written):
            option = self.find(word)
            if option is None:
                unknown.append(word)
            else:
                found.add(option)
        return frozenset(found), unknown
