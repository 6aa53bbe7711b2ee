"""Clients of the vendors, as their customers use them, in front of a whole orchestrator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests
import telnyx

from tests.scenarios.conftest import ACCOUNT, API_KEY, OTHER_ACCOUNT, OTHER_API_KEY, House, house

__all__ = ["house"]


@dataclass
class Client:
    """Telnyx's, for one account; it believes nothing that does not fit Telnyx's own schema."""

    house: House
    account: str
    key: str

    @property
    def base(self) -> str:
        assert self.house.orchestrator is not None
        return f"http://127.0.0.1:{self.house.orchestrator.web.port}"

    @property
    def sdk(self) -> Any:
        return telnyx.Telnyx(
            api_key=self.key,
            base_url=f"{self.base}/v2",
            max_retries=0,
            _strict_response_validation=True,
        )

    @property
    def conferences(self) -> Any:
        return self.sdk.texml.accounts.conferences

    @property
    def calls(self) -> Any:
        return self.sdk.texml.accounts.calls

    def conference(self, name: str = "Room 1234", status: str = "in-progress") -> Any:
        """The newest of that name."""
        found = self.conferences.retrieve_conferences(self.account, friendly_name=name).conferences
        assert found
        assert found[0].status == status
        return found[0]

    def participants(self, conference_sid: str) -> list[Any]:
        found = self.conferences.participants.retrieve_participants(conference_sid, account_sid=self.account)
        return list(found.participants)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Without a client between, after `/Accounts/<sid>`."""
        url = f"{self.base}/v2/texml/Accounts/{self.account}{path}"
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        return requests.request(method, url, headers=headers, timeout=20, **more)


@pytest.fixture
def client(house: House) -> Client:
    return Client(house, ACCOUNT, API_KEY)


@pytest.fixture
def outsider(house: House) -> Client:
    """Another account's."""
    return Client(house, OTHER_ACCOUNT, OTHER_API_KEY)
