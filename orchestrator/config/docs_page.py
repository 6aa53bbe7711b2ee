"""The manual as a page: docs/settings.md."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from orchestrator.config.explanation import Entry, entries

_TOP = """\
# Settings

Every key of the settings file. `orchestrator config --explain KEY` says the same on the command line,
`orchestrator example` prints a commented file that works as it is, and `orchestrator check` finds every
mistake in yours, with its line.

- An unknown key is a mistake. A key that is left out has its default; *required* has to be there where its
  section is.
- `NAME` stands for a name of yours, `[]` for each item of a list.
- A secret is a text, `{env: NAME}` for an environment variable, or `{file: PATH}`. A URL may be
  `{env: NAME}`, too.
- Relative paths start at the directory of the settings file.
- *Reload* says when a changed key counts. *yes*: after `orchestrator reload` or SIGHUP, for new calls.
  FreeSWITCH's own files (profiles, trunks, `sip.networks`) are written where `conf_dir` is set; else run
  `orchestrator render --into DIR` before it. Where FreeSWITCH cannot be reached or refuses them, they wait
  for its next connect, and everything else counts at once: exit code 4, and the changes that wait are
  printed.
  *restart*: when the orchestrator starts anew. Neither drops a call.

This page is made by `orchestrator config --explain --markdown`.
"""


def page() -> str:
    """All of it, with a line break at its end."""
    parts = [_TOP]
    for title, found in groupby(entries(), key=_title):
        parts.append("\n".join([f"## {title}", "", *_part(list(found)), ""]))
    return "\n".join(parts)


def _title(entry: Entry) -> str:
    return entry.path.partition(".")[0].removesuffix("[]")


def _part(found: list[Entry]) -> Iterator[str]:
    first = found[0]
    if not first.kind:
        yield from (_escaped(first.about), "")
        found = found[1:]
    yield "| Key | Value | Default | Reload | |"
    yield "| --- | --- | --- | --- | --- |"
    yield from map(_row, found)


def _row(entry: Entry) -> str:
    about = _escaped(entry.about)
    if not entry.kind:
        return f"| `{entry.path}` | | | | {about} |"
    default = f"`{entry.default}`" if entry.default else "*required*" if entry.required else "none"
    live = "yes" if entry.live else "restart"
    return f"| `{entry.path}` | {entry.kind} | {default} | {live} | {about} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
