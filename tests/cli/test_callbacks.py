"""`orchestrator callbacks` over the API: the same lists and retries as on the file, for one account."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.cli.access import KEY, URL
from tests.cli.conftest import ANNA, ROOM, Types, rows
from tests.lab.web import Answer
from tests.scenarios.conftest import OTHER_ACCOUNT, OTHER_API_KEY, House
from tests.web.site import wait_until

pytestmark = pytest.mark.rather("emulator")


@pytest.fixture
def failed(house: House, types: Types) -> list[int]:
    """A party of which every callback was refused; their ids."""
    house.application.route("/events", Answer(status=410))
    house.documents({ANNA: house.joins(participantLabel="anna")})
    house.switch.call("+13125550100", from_=ANNA).wait_answered(10)
    wait_until(lambda: len(types("callbacks", "list", "--failed", "--json").json) == 2, "both have failed")
    return [one["id"] for one in types("callbacks", "list", "--failed", "--json").json]


def test_failed_callbacks_are_listed_and_retried_over_the_api(
    house: House, types: Types, failed: list[int]
) -> None:
    table = types("callbacks", "list")
    assert rows(table)[0] == ["ID", "STATE", "ROOM", "NO", "EVENT", "MADE", "TRIES", "RESULT", "URL"]
    assert [int(cells[0]) for cells in rows(table)[1:]] == failed
    assert "answered 410" in table.out
    assert types("callbacks", "list", "--delivered", "--of", ROOM).err == "no such callbacks\n"
    house.application.takes_callbacks("/events")
    house.application.requests.clear()
    first, second = failed
    done = types("callbacks", "retry", str(first), "999", code=1)
    assert done.out == "1 callbacks are being retried\n"
    assert "not failed, so not retried: 999" in done.err
    wait_until(lambda: [e["StatusCallbackEvent"] for e in house.events()] == ["conference-start"], "again")
    for given in (ROOM, "anna", ANNA):
        listed = types("callbacks", "list", "--of", given, "--json").json
        assert [one["id"] for one in listed] == [second]
    assert (
        types("callbacks", "retry", "--receiver", "https://elsewhere.example").out
        == "no callback has failed\n"
    )
    here = house.application.url("/whatever")
    assert types("callbacks", "retry", "--receiver", here).out == "1 callbacks are being retried\n"
    wait_until(lambda: not types("callbacks", "list", "--json").json, "all are delivered")
    delivered = types("callbacks", "list", "--delivered", "--of", ROOM, "--json").json
    assert [one["sequence_number"] for one in delivered] == [0, 1]
    assert types("callbacks", "retry", "--all").out == "no callback has failed\n"


def test_another_account_sees_none_of_them(
    house: House, types: Types, failed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, OTHER_API_KEY)
    there = ("--account", OTHER_ACCOUNT)
    assert types("callbacks", "list", *there).err == "no such callbacks\n"
    assert "not retried" in types("callbacks", "retry", str(failed[0]), *there, code=1).err
    assert types("callbacks", "retry", "--all", *there).out == "no callback has failed\n"


def test_without_a_url_the_file_of_the_settings_says_the_same(
    house: House, types: Types, failed: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "file.yaml"
    settings.write_text(house.settings)
    over_the_api = rows(types("callbacks", "list"))
    url = os.environ[URL]
    monkeypatch.delenv(URL)
    file = ("-c", str(settings))
    assert rows(types("callbacks", "list", *file)) == over_the_api
    assert len(rows(types("callbacks", "list", "--of", ROOM, *file))) == 3
    assert types("callbacks", "list", "--of", "nobody", *file).err == "no such callbacks\n"
    types("conferences", "end", ROOM, "--url", url)
    # Of a label the file knows once it has left.
    wait_until(lambda: len(types("callbacks", "list", "--of", "anna", "--json", *file).json) == 4, "all")
    # With a key it is the API again, whose address the settings do not say here.
    assert "leaves the port to the system" in types("callbacks", "list", "--key", "x", *file, code=2).err


def test_a_mistake_says_what_to_do(types: Types) -> None:
    assert "give either IDs, --receiver or --all" in types("callbacks", "retry", code=2).err
    assert "this is no URL" in types("callbacks", "retry", "--receiver", "app.example.com", code=2).err
