"""The links of the documents lead somewhere, and their commands are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import pytest

from orchestrator.callbacks.signature import new_seed
from orchestrator.cli.api import ApiCommand
from orchestrator.cli.command import command
from orchestrator.config import loads
from orchestrator.texml import parse
from tests.docs.markdown import DOCS, ROOT, blocks, links, sections

PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/README.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


Of = TypeVar("Of")


def on_each_page(found: Callable[[Path], Iterable[Of]]) -> pytest.MarkDecorator:
    """The test once for each thing that is found on a page: one that finds nothing is no test that passed."""
    pairs = [(page, thing) for page in PAGES for thing in dict.fromkeys(found(page))]
    assert pairs
    return pytest.mark.parametrize(
        ("page", "thing"), pairs, ids=[NAMES[PAGES.index(page)] for page, _ in pairs]
    )


def inner_links(page: Path) -> Iterator[str]:
    return (link for link in links(page) if not re.match(r"[a-z]+:", link))


@on_each_page(inner_links)
def test_every_link_within_the_repository_leads_somewhere(page: Path, thing: str) -> None:
    place, _, anchor = thing.partition("#")
    target = (page.parent / place).resolve() if place else page
    assert target.exists(), thing
    if anchor:
        assert anchor in {section.anchor for section in sections(target)}, thing


def commands(page: Path) -> Iterator[str]:
    """Lines that begin with our command, in blocks of shell and in backticks."""
    for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        if found := re.match(r"(?:\S*/)?(orchestrator .*)", line.strip()):
            yield found[1]
    yield from re.findall(r"`(orchestrator [a-z][^`…]*)`", page.read_text(encoding="utf-8"))


@on_each_page(commands)
def test_every_command_is_one_that_the_program_takes(page: Path, thing: str) -> None:
    words = shlex.split(thing.partition(" > ")[0], comments=True)[1:]
    # In a sentence a command may stand without what it needs, as `orchestrator callbacks`.
    if problem := refused(words):
        assert re.search("^Missing|requires an argument", problem), f"{thing}: {problem}"


def refused(words: list[str]) -> str:
    """Why the words cannot be read; nothing is done with those that can."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            for kind in (click.Command, ApiCommand):
                patch.setattr(kind, "invoke", lambda *_: None)
            command.main(words, standalone_mode=False)
    except click.UsageError as error:
        return error.format_message()
    return ""


def documents(page: Path) -> list[str]:
    return [block for block in blocks(page, "xml") if "<Response>" in block]


@on_each_page(documents)
def test_every_example_document_is_read_without_a_warning(page: Path, thing: str) -> None:
    assert parse(thing).warnings == ()


SECRETS = {"ORCHESTRATOR_API_KEY": "x"}


@on_each_page(lambda page: blocks(page, "yaml"))
def test_every_example_of_settings_passes(page: Path, thing: str, tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_text(new_seed())
    account = "" if "accounts:" in thing else "accounts: [{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10}]\n"
    loads(account + thing, directory=tmp_path, environ=SECRETS)
