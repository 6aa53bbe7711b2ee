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
# In tests "who" may be a subject: their names are sentences.
NOT_OURS_IN_TESTS = re.compile(
    r"\b(told|tells?|given up|gives? up|lets? (somebody |others )?in|tak(es?|en) up|strangers?|last words"
    r"|pokes?|tapes?|talkers)\b"
)
# A question ends with its mark.
CLAUSE_AS_SUBJECT = re.compile(r"(?:^|[.:;] )(Who|Whom|What|Whoever|Whatever)\b(?![^.]*\?)")


def faults(text: str) -> Iterator[str]:
    for pattern in (NOT_OURS, CLAUSE_AS_SUBJECT):
        if found := pattern.search(text):
            yield found[0]


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


@pytest.mark.parametrize("path", [*PAGES, *SOURCES, *OTHERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_words_are_the_field_s(path: Path) -> None:
    lines = READERS.get(path.suffix, of_another)(path)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {fault}" for number, text in lines for fault in faults(text)
    ]
    assert not found


# What a library calls so.
OTHERS_NAMES = {"media/silence.py": {"tell"}}


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_have_the_field_s_words(path: Path) -> None:
    others = OTHERS_NAMES.get(str(path.relative_to(ROOT / "orchestrator")) if path in SOURCES else "", set())
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for line, name in names_of(path)
        if NOT_OURS_IN_TESTS.search(name) and name not in others
    ]
    assert not found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_describe_themselves_in_the_field_s_words(path: Path) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for line, text in of_a_source(path)
        if NOT_OURS_IN_TESTS.search(text) and not text.startswith("Optional URL that tells Telnyx")
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
