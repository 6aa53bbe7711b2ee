"""A document of docs/ as tests read it: sections, tables, blocks of code, links."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_HEADING = re.compile(r"^(#{1,6}) +(.*?) *$")
# In an item of a list it is indented.
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Section:
    """From one heading to the next. `tables`: rows as dictionaries by the table's own head."""

    title: str
    text: str

    @property
    def anchor(self) -> str:
        """As GitHub makes it of the title."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")

    @property
    def tables(self) -> list[list[dict[str, str]]]:
        found: list[list[str]] = [[]]
        for line in self.text.splitlines():
            if line.startswith("|"):
                found[-1].append(line)
            elif found[-1]:
                found.append([])
        return [_rows(lines) for lines in found if lines]

    def table(self, first: str) -> list[dict[str, str]]:
        """The one whose first column is called `first`; its rows, none if it has only a head."""
        (found,) = [lines for lines in self.tables if first in lines[0]]
        return found[1:]


def _rows(lines: list[str]) -> list[dict[str, str]]:
    """The first one is the head itself, so that a table without rows has one too."""
    cells = [[cell.strip() for cell in _CELLS.split(line)[1:-1]] for line in lines]
    head, rule, *rows = cells
    assert set("".join(rule)) <= set("- :"), lines[1]
    assert all(len(row) == len(head) for row in rows), f"a row of another width below {lines[0]}"
    return [dict(zip(head, row, strict=True)) for row in [head, *rows]]


def sections(path: Path) -> list[Section]:
    found: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in path.read_text(encoding="utf-8").splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading:
            found.append((heading[2], []))
        else:
            found[-1][1].append(line)
    return [Section(title, "\n".join(lines)) for title, lines in found]


def section(path: Path, title: str) -> Section:
    (found,) = [one for one in sections(path) if one.title == title]
    return found


def blocks(path: Path, language: str) -> list[str]:
    """Its fenced code in one language."""
    found = _FENCE.findall(path.read_text(encoding="utf-8"))
    return [textwrap.dedent(code) for _, name, code in found if name == language]


def links(path: Path) -> list[str]:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return _LINK.findall(text)


def code(cell: str) -> str:
    """The one name that a cell has in backticks."""
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]
