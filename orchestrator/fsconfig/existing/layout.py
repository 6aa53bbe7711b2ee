"""Whether a directory is a FreeSWITCH configuration laid out as the vanilla one: to others we cannot add.

Only the files that our part depends on are checked; everything else is the owner's and not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CONFERENCE: Final = "autoload_configs/conference.conf.xml"
MODULES: Final = "autoload_configs/modules.conf.xml"
SOFIA: Final = "autoload_configs/sofia.conf.xml"
DIALPLAN: Final = "dialplan/texml.xml"
SIP_PROFILE: Final = "sip_profiles/texml.xml"
BROWSER_PROFILE: Final = "sip_profiles/texml-browser.xml"
RELAY_PROFILE: Final = "sip_profiles/texml-relay.xml"
GATEWAYS_FILE: Final = "sip_profiles/texml/gateways.xml"
# Contexts of the vanilla dialplan that take in the files of a directory of their own.
CONTEXTS: Final = ("public", "default")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_INCLUDE: Final = r'<X-PRE-PROCESS\s+cmd="include"\s+data="{}"'


class NotUnderstood(Exception):
    """The directory is not as we know it; nothing was changed. The text names each place and the remedy."""

    def __init__(self, directory: Path, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{directory}: {problem}" for problem in problems))


def is_existing(directory: Path) -> bool:
    """Whether it is a configuration of somebody else's: ours has no autoload_configs."""
    return (directory / "autoload_configs").is_dir() or (
        (directory / "freeswitch.xml").exists() and not (directory / "configuration").is_dir()
    )


def read(path: Path) -> str:
    """Raises OSError, and UnicodeDecodeError for what is no UTF-8 text. Line ends stay as they are."""
    return path.read_bytes().decode("utf-8")


def bare(text: str) -> str:
    """The text with blanks in place of its comments: each character keeps its place."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def includes(text: str, path: str) -> bool:
    """Whether a file takes in `path`, a regular expression."""
    return re.search(_INCLUDE.format(path), bare(text)) is not None


def check(directory: Path, ours: frozenset[str]) -> None:
    """Raises NotUnderstood with every reason at once. `ours` are the files that an earlier run added."""
    problems = list(_problems(directory, ours))
    if problems:
        raise NotUnderstood(directory, problems)


def _problems(directory: Path, ours: frozenset[str]) -> Iterator[str]:
    texts: dict[str, str] = {}
    for name in ("freeswitch.xml", CONFERENCE, MODULES, SOFIA):
        try:
            texts[name] = read(directory / name)
        except UnicodeDecodeError:
            yield f"{name} is no UTF-8 text"
        except OSError as error:
            yield f"{name}: {error.strerror}; a configuration as FreeSWITCH's vanilla one has it"
    wanted = (
        ("freeswitch.xml", r"autoload_configs/\*\.xml", "autoload_configs/*.xml"),
        ("freeswitch.xml", r"dialplan/\*\.xml", "dialplan/*.xml"),
        (SOFIA, r"[^\"]*sip_profiles/\*\.xml", "../sip_profiles/*.xml"),
    )
    for name, pattern, shown in wanted:
        if name in texts and not includes(texts[name], pattern):
            yield f"{name} does not include {shown}, where our files go"
    for name, tag in ((CONFERENCE, "caller-controls"), (CONFERENCE, "profiles"), (MODULES, "modules")):
        if name in texts and len(re.findall(f"</{tag}>", bare(texts[name]))) != 1:
            yield f"{name} has not exactly one </{tag}>, where our part goes"
    yield from _taken(directory, "dialplan", r'<context\s+name="texml"', "a context texml", ours)
    yield from _taken(directory, "sip_profiles", r'<profile\s+name="texml"', "a SIP profile texml", ours)


def _taken(directory: Path, folder: str, pattern: str, what: str, ours: frozenset[str]) -> Iterator[str]:
    for path in sorted((directory / folder).rglob("*.xml")):
        name = path.relative_to(directory).as_posix()
        if name not in ours and re.search(pattern, bare(path.read_text("utf-8", "replace"))):
            yield f"{name} has {what} already, and it is not ours: rename it, or take it away"
