"""The programs that docs/moving.md prints work as they are printed there."""

from __future__ import annotations

import pytest

from tests.docs.markdown import DOCS, blocks
from tests.scenarios.conftest import ACCOUNT, API_KEY
from tests.sdk.conftest import Client


@pytest.mark.parametrize("code", blocks(DOCS / "moving.md", "python"), ids=["telnyx", "twilio"])
def test_a_client_as_the_document_has_it_gets_in(
    client: Client, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = code.replace("http://localhost:8080", client.base)
    exec(code, {"ACCOUNT_SID": ACCOUNT, "API_KEY": API_KEY})
    assert capsys.readouterr().out == "[]\n"
