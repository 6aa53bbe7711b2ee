"""The REST API on the wire: authentication, lists, answers."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from orchestrator.conference.live.records import RoomRecord, row_of_room
from orchestrator.conference.machine.state import RoomPhase
from orchestrator.store.records import Query, Record
from orchestrator.web.api.blueprint import MAX_BODY_BYTES
from tests.scenarios.conftest import ACCOUNT, API_KEY, OTHER_ACCOUNT, OTHER_API_KEY, House, house

__all__ = ["house"]
pytestmark = pytest.mark.only("emulator")
DAY = 86_400_000_000
# 2024-03-10, and six days on.
FIRST_DAY = 1_710_028_800_000_000


class Api:
    def __init__(self, house: House) -> None:
        assert house.orchestrator is not None
        self.base = f"http://127.0.0.1:{house.orchestrator.web.port}"
        self.records = house.orchestrator.outbox.records
        # It would forget what happened in 2024 while a test looks at it.
        house.orchestrator.retention.stop()

    def ask(self, path: str, method: str = "GET", key: str = API_KEY, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
        url = path if path.startswith("http") else self.base + path
        return requests.request(method, url, headers=headers, timeout=20, **more)

    def listed(self, query: str = "", account: str = ACCOUNT, key: str = API_KEY) -> dict[str, Any]:
        answer = self.ask(f"/v2/texml/Accounts/{account}/Conferences?{query}", key=key)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def api(house: House) -> Api:
    return Api(house)


def fill(api: Api, count: int = 7, account: str = ACCOUNT) -> list[str]:
    """One conference a day, the odd ones over; their sids, the newest first."""
    sids = []
    for day in range(count):
        at, over = FIRST_DAY + day * DAY, bool(day % 2)
        sid = f"00000000-0000-4000-8000-{day:012d}"
        room = RoomRecord(
            sid=sid,
            account_sid=account,
            name=f"Room {day % 3}",
            created_at=at,
            updated_at=at + DAY // 2,
            ended_at=at + DAY // 2 if over else 0,
            status=RoomPhase.ENDED.value if over else RoomPhase.STARTED.value,
        )
        api.records.put([row_of_room(room)])
        sids.insert(0, sid)
    return sids


def days(body: dict[str, Any]) -> list[int]:
    return [int(conference["sid"][-12:]) for conference in body["conferences"]]


# Access


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {API_KEY} "}, 200),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "nonsense"}, 401),
        ({"Authorization": f"Bearer {OTHER_API_KEY}"}, 404),
    ],
)
def test_a_key_of_the_account_is_needed(api: Api, headers: dict[str, str], status: int) -> None:
    url = f"{api.base}/v2/texml/Accounts/{ACCOUNT}/Conferences"
    answer = requests.get(url, headers=headers, timeout=10)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["errors"][0]["code"] in ("10009", "10005")
        assert API_KEY not in answer.text
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    assert answer.headers.get("x-should-retry") == (None if status == 200 else "false")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [
        (ACCOUNT, API_KEY, 200),
        (ACCOUNT.upper(), API_KEY, 200),
        (OTHER_ACCOUNT, API_KEY, 401),
        (ACCOUNT, "", 401),
        (API_KEY, ACCOUNT, 401),
    ],
)
def test_basic_authentication_is_the_account_and_a_key(
    api: Api, user: str, password: str, status: int
) -> None:
    url = f"{api.base}/2010-04-01/Accounts/{ACCOUNT}/Conferences.json"
    answer = requests.get(url, auth=(user, password), timeout=10)
    assert answer.status_code == status
    assert answer.headers.get("WWW-Authenticate") == ("Basic" if status == 401 else None)


def test_an_unauthenticated_client_does_not_learn_which_paths_exist(api: Api) -> None:
    for path in ("/v2/texml/nothing", "/2010-04-01/nothing", f"/v2/texml/Accounts/{ACCOUNT}/Nothing"):
        assert api.ask(path, key="wrong").status_code == 401
        assert api.ask(path).status_code == 404


# Lists


def test_a_list_is_leafed_through_by_its_own_links(api: Api) -> None:
    fill(api)
    fill(api, 2, OTHER_ACCOUNT)  # Of the same sids: they are another account's from now on.
    fill(api)
    body, seen = api.listed("PageSize=3"), []
    while True:
        seen += days(body)
        start = body["start"]
        assert body["end"] == start + len(body["conferences"]) - 1
        if body["next_page_uri"] is None:
            break
        body = api.ask(body["next_page_uri"]).json()
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert (body["page"], body["page_size"], start) == (2, 3, 6)
    assert days(api.ask(body["first_page_uri"]).json()) == [6, 5, 4]


@pytest.mark.parametrize(("count", "size", "pages"), [(6, 3, 2), (4, 2, 2), (3, 3, 1), (1, 1, 1)])
def test_no_page_is_promised_that_would_be_empty(api: Api, count: int, size: int, pages: int) -> None:
    fill(api, count)
    body, seen = api.listed(f"PageSize={size}"), 1
    while body["next_page_uri"] is not None:
        body = api.ask(body["next_page_uri"]).json()
        seen += 1
        assert days(body)
    assert seen == pages


def test_a_page_stays_where_it_is_while_rooms_come(api: Api) -> None:
    fill(api, 4)
    second = api.listed("PageSize=2")["next_page_uri"]
    fill(api, 6)
    assert days(api.ask(second).json()) == [1, 0]
    assert days(api.listed("PageSize=2&Page=1")) == [3, 2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FriendlyName=Room+1", [4, 1]),
        ("FriendlyName=room+1", []),
        ("Status=completed", [5, 3, 1]),
        ("Status=in-progress&FriendlyName=Room+0", [6, 0]),
        ("DateCreated=2024-03-12", [2]),
        ("DateCreated=%3E%3D2024-03-14", [6, 5, 4]),
        ("DateCreated=%3C%3D2024-03-11", [1, 0]),
        ("DateCreated>=2024-03-14", [6, 5, 4]),
        ("DateCreated%3C=2024-03-11", [1, 0]),
        ("DateCreated_gt=2024-03-13&DateCreated_lt=2024-03-14", [4, 3]),
        ("DateUpdated=2024-03-16", [6]),
        ("DateCreated=2024-03-12T00:00:00Z", [2]),
        ("Page=50", []),
    ],
)
def test_a_list_is_filtered(api: Api, query: str, expected: list[int]) -> None:
    fill(api)
    assert days(api.listed(query)) == expected


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("Status=over", "10032", "/Status"),
        ("PageSize=0", "10033", "/PageSize"),
        ("PageSize=1001", "10033", "/PageSize"),
        ("Page=-1", "10033", "/Page"),
        ("Page=one", "10026", "/Page"),
        ("PageToken=nonsense", "10015", "/PageToken"),
        ("DateCreated=yesterday", "10015", "/DateCreated"),
        ("DateCreated=2024-02-30", "10015", "/DateCreated"),
    ],
)
def test_a_wrong_filter_is_named(api: Api, query: str, code: str, pointer: str) -> None:
    answer = api.ask(f"/v2/texml/Accounts/{ACCOUNT}/Conferences?{query}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["source"]["pointer"]) == (422, code, pointer)


# Bodies


def update(api: Api, **more: Any) -> requests.Response:
    (sid, *_) = fill(api, 1)
    return api.ask(f"/v2/texml/Accounts/{ACCOUNT}/Conferences/{sid}", "POST", **more)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"Status=over", "application/x-www-form-urlencoded", 422, "10032"),
        (b'{"Status": "over"}', "application/json", 422, "10032"),
        (b'{"Status": "over"}', "application/x-www-form-urlencoded", 422, "10032"),
        (b'{"Status": ["completed"]}', "application/json", 422, "10026"),
        (b'{"Status": ', "application/json", 400, "10023"),
        (b"[1]", "application/json", 400, "10023"),
        (b"[" * 100_000, "application/json", 400, "10023"),
        (b"Status", "application/json", 400, "10023"),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400, "10015"),
        (b"a=%ff", "application/x-www-form-urlencoded", 400, "10015"),
        (b"a=1&" * 300, "application/x-www-form-urlencoded", 400, "10015"),
        (b"<Status/>", "text/xml", 400, "10024"),
        (b"AnnounceUrl=file:///etc/passwd", "application/x-www-form-urlencoded", 422, "10003"),
        (b"AnnounceUrl=http://h/%0d%0aX:", "application/x-www-form-urlencoded", 422, "10015"),
        (b"x" * (MAX_BODY_BYTES + 1), "application/x-www-form-urlencoded", 413, "10015"),
    ],
)
def test_a_body_is_a_form_or_json_despite_its_content_type(
    api: Api, body: bytes, content_type: str, status: int, code: str
) -> None:
    answer = update(api, data=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.headers["x-should-retry"] == "false"


def test_other_methods_are_refused(api: Api) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = api.ask(f"/v2/texml/Accounts/{ACCOUNT}/Conferences", method)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (405, "10030")


# Retention


def test_ended_records_are_deleted_in_time_and_live_ones_are_not(house: House, api: Api) -> None:
    assert house.orchestrator is not None
    fill(api)
    house.orchestrator.retention.sweep()
    left = api.records.find(Query("conference", ACCOUNT))
    assert {record.status for record in left} == {"in-progress"}


def test_the_answer_to_a_key_is_forgotten_after_a_day(house: House, api: Api) -> None:
    assert house.orchestrator is not None
    api.records.put([Record("request", "old", ACCOUNT, FIRST_DAY, FIRST_DAY, FIRST_DAY)])
    house.orchestrator.retention.sweep()
    assert api.records.one("request", ACCOUNT, "old") is None
