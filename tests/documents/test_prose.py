"""What the documents lead to is there, and what they have people type is what the program takes."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.callbacks.signature import new_seed
from orchestrator.cli.command import _parser
from orchestrator.config import loads
from orchestrator.texml import parse
from tests.documents.markdown import DOCS, ROOT, blocks, links, sections

PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/README.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if anchor:
            assert anchor in {section.anchor for section in sections(target)}, link


def commands(page: Path) -> Iterator[str]:
    """Lines that begin with our command, in blocks of shell and in backticks."""
    for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        if found := re.match(r"(?:\S*/)?(orchestrator .*)", line.strip()):
            yield found[1]
    yield from re.findall(r"`(orchestrator [a-z][^`…]*)`", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_is_one_that_the_program_takes(page: Path) -> None:
    for command in commands(page):
        words = shlex.split(command.partition(" > ")[0], comments=True)[1:]
        # In a sentence a command may stand without what it needs, as `orchestrator callbacks`.
        if problem := refused(words):
            assert re.search("required|expected one argument", problem), f"{command}: {problem}"


def refused(words: list[str]) -> str:
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(argparse.ArgumentParser, "error", _raise)
            _parser().parse_args(words)
    except ValueError as error:
        return str(error)
    return ""


def _raise(parser: argparse.ArgumentParser, message: str) -> None:
    raise ValueError(message)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_example_document_is_read_without_a_warning(page: Path) -> None:
    for block in blocks(page, "xml"):
        if "<Response>" in block:
            assert parse(block).warnings == ()


SECRETS = {"ORCHESTRATOR_API_KEY": "x"}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_example_of_settings_passes(page: Path, tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_text(new_seed())
    for block in blocks(page, "yaml"):
        account = "" if "accounts:" in block else "accounts: [{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10}]\n"
        loads(account + block, directory=tmp_path, environ=SECRETS)
