"""A person's command line in front of an orchestrator that runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator import cli
from orchestrator.cli.access import ACCOUNT as ACCOUNT_VARIABLE
from orchestrator.cli.access import KEY, URL
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House, house

__all__ = ["house"]

ANNA, BERT = "+13125550002", "+13125550003"
ROOM = "Room 1234"


@dataclass
class Typed:
    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Types = Callable[..., Typed]


@pytest.fixture
def types(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Types:
    """Types a command, with the environment that leads to the orchestrator; must work by default."""
    assert house.orchestrator is not None
    monkeypatch.setenv(URL, f"http://127.0.0.1:{house.orchestrator.web.port}")
    monkeypatch.setenv(KEY, API_KEY)
    monkeypatch.setenv(ACCOUNT_VARIABLE, ACCOUNT)

    def types(*words: str, code: int = 0) -> Typed:
        capsys.readouterr()
        found = cli.main(words)
        delivered = capsys.readouterr()
        typed = Typed(found, delivered.out, delivered.err)
        assert found == code, typed
        return typed

    return types


class Party:
    """Anna and Bert in a room, under those labels, each speaking a tone."""

    def __init__(self, house: House) -> None:
        house.documents(
            {ANNA: house.joins(participantLabel="anna"), BERT: house.joins(participantLabel="bert")}
        )
        self.anna = house.switch.call(NUMBER, from_=ANNA, sounds=500)
        house.delivered(2, 10)
        self.bert = house.switch.call(NUMBER, from_=BERT, sounds=900)
        house.delivered(3, 10)
        self.anna.wait_hears(900, 10)
        self.sids = {event["From"]: event["CallSid"] for event in house.events()}


def rows(typed: Typed) -> list[list[str]]:
    """The cells of a printed table, its head first."""
    return [line.split() for line in typed.out.splitlines()]
