"""Documents, docstrings, comments and messages use the field's words, and no clause as a subject."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, ROOT

SOURCES = sorted((ROOT / "orchestrator").rglob("*.py"))
OTHERS = sorted(
    path
    for folder in ("orchestrator", "docker", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".js", ".html", ".yaml", ".yml", ".xml"}
)
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*/README.md"), ROOT / "README.md"])
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__).resolve())
NOT_OURS = re.compile(
    r"\b(told|tells?|given up|gives? up|lets? (somebody |others )?in|who(m|mever|ever)|tak(es?|en) up"
    r"|web address|processor time|strangers?|last words)\b",
    re.IGNORECASE,
)
# Of the names of functions, variables, modules.
NOT_OURS_IN_NAMES = re.compile(
    r"\b(told|tells?|given up|gives? up|lets? (somebody |others )?in|tak(es?|en) up|strangers?|last words"
    r"|pokes?|tapes?|talkers|journals?|tally|tallies)\b"
)
# "a caller who hangs up" has a noun: a name may not begin with the clause, nor have it as a part of its own.
CLAUSE_AS_NAME = re.compile(
    r"^(test )?(who|whom|whose|what|whoever|whatever)\b.* |\b(whom|whoever|whatever)\b"
    r"|\b(and|but|only|of|to|for) (who|what)\b.* (is|are|was|has|does|may)\b"
)
# A question ends with its mark.
CLAUSE_AS_SUBJECT = re.compile(r"(?:^|[.:;] )(Who|Whom|What|Whoever|Whatever)\b(?![^.]*\?)")


def faults(text: str) -> Iterator[str]:
    for pattern in (NOT_OURS, CLAUSE_AS_SUBJECT):
        if found := pattern.search(text):
            yield found[0]


def is_bad(name: str) -> bool:
    return bool(NOT_OURS_IN_NAMES.search(name) or CLAUSE_AS_NAME.search(name))


def of_a_page(page: Path) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced:
            yield number, re.sub(r"`[^`]*`", "x", line).lstrip("-* ")


def of_a_source(source: Path) -> Iterator[tuple[int, str]]:
    """Its comments, and its texts of more than one word."""
    code = source.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            for number, line in enumerate(node.value.split("\n"), node.lineno):
                yield number, line.strip()


def of_another(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield number, re.sub(r"^[ #/<!-]+", "", line)


def names_of(source: Path) -> Iterator[tuple[int, str]]:
    """The names that it defines or assigns, their words apart."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.Attribute):
            name = node.attr
        else:
            continue
        yield node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


READERS = {".py": of_a_source, ".md": of_a_page}


# From the vendors' documents.
QUOTED = ("Optional URL that tells Telnyx",)


@pytest.mark.parametrize(
    "path", [*PAGES, *SOURCES, *OTHERS, *TESTS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_words_are_the_field_s(path: Path) -> None:
    lines = READERS.get(path.suffix, of_another)(path)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {fault}"
        for number, text in lines
        for fault in faults(text)
        if not text.startswith(QUOTED)
    ]
    assert not found


# Of libraries.
OTHERS_NAMES = {"orchestrator/media/silence.py": {"tell"}}


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_have_the_field_s_words(path: Path) -> None:
    """Of modules, functions, classes, arguments, variables and attributes."""
    others = OTHERS_NAMES.get(str(path.relative_to(ROOT)), set())
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for line, name in [(0, path.stem.replace("_", " ")), *names_of(path)]
        if name not in others and is_bad(name)
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    ["Somebody is let in.", "What it hears.", "It ends: what follows. Who waits hears it.", "Whom to call"],
)
def test_a_fault_is_found(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize("text", ["What is a room?", "the let index", "Those that wait go on waiting."])
def test_good_words_pass(text: str) -> None:
    assert not list(faults(text))


@pytest.mark.parametrize(
    "name",
    [
        *("test who hangs up leaves", "test what is gone is not found", "what rooms decide"),
        *("test a key mutes whom pressed it", "test only what is asked for is sent", "test a tape"),
    ],
)
def test_a_bad_name_is_found(name: str) -> None:
    assert is_bad(name)


@pytest.mark.parametrize(
    "name", ["who", "what", "test a caller who hangs up leaves", "test a mistake says what to do"]
)
def test_a_good_name_passes(name: str) -> None:
    assert not is_bad(name)
