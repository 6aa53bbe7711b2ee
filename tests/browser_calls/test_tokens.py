"""A call from the console: one token, one call, to what its account has, with the settings' From."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from orchestrator.calls import browser_calls
from orchestrator.timeline.sentences import sentence
from tests.browser_calls.conftest import Caller
from tests.scenarios.conftest import NUMBER, OTHER_API_KEY, House
from tests.web.site import wait_until

pytestmark = pytest.mark.only("emulator")
OTHER_NUMBER = "+4420"


def refused(house: House, phone: object, reason: str) -> None:
    wait_until(lambda: phone.state == "ended", "it is refused")
    assert phone.sip_status == 403
    assert house.log.has("a call from the console was refused with 403", reason)

    def explained() -> bool:
        assert house.orchestrator is not None
        found = [sentence(entry) for entry in house.orchestrator.outbox.timeline.rejected(10)]
        return any("SIP 403" in text and reason in text for text in found)

    wait_until(explained, "the timeline says why")


def metric(house: House, outcome: str) -> str:
    assert house.orchestrator is not None
    page = requests.get(f"http://127.0.0.1:{house.orchestrator.web.port}/metrics", timeout=5).text
    line = f'texml_browser_calls_total{{outcome="{outcome}"}} '
    return next(one for one in page.splitlines() if one.startswith(line)).removeprefix(line)


def test_a_token_is_one_call_to_the_number_that_was_asked_for(enabled: House, caller: Caller) -> None:
    enabled.voice("<Response><Say>Hello</Say><Pause length='5'/></Response>")
    id_, token = caller.permit(number="1 (312) 555-0100")
    caller.connects(id_)
    phone = caller.invites(token)
    wait_until(lambda: phone.state == "answered", "it is answered")
    request = enabled.application.wait_for("/voice", 1)[0].fields
    assert (request["From"], request["To"], request["Direction"]) == ("client:main", NUMBER, "inbound")
    assert not [name for name, value in request.items() if token in value]
    refused(enabled, caller.invites(token), "the token was used before")
    assert (metric(enabled, "admitted"), metric(enabled, "used")) == ("1.0", "1.0")


def test_a_wrong_token_is_refused(enabled: House, caller: Caller) -> None:
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    refused(enabled, caller.invites(token[:-1] + ("A" if token[-1] != "A" else "B")), "no such token")
    assert metric(enabled, "unknown") == "1.0"
    assert enabled.application.to("/voice") == []


def test_a_number_that_is_called_by_a_browser_is_no_token(enabled: House, caller: Caller) -> None:
    refused(enabled, caller.invites(NUMBER), "no such token")


def test_a_token_is_no_number_of_other_callers(enabled: House, caller: Caller) -> None:
    """It comes by another SIP profile, where it is a number that no application has."""
    _, token = caller.permit(number=NUMBER)
    phone = enabled.switch.call(token)
    wait_until(lambda: phone.state == "ended", "it is refused")
    assert phone.sip_status == 404


def test_a_token_is_good_for_a_minute(enabled: House, caller: Caller) -> None:
    assert enabled.orchestrator is not None
    calls = enabled.orchestrator.node.browser_calls
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    clock = calls._clock
    calls._tokens._clock = lambda: clock() + browser_calls.TOKEN_SECONDS
    refused(enabled, caller.invites(token), "the token is older than 60 s")


def test_a_token_is_good_while_its_websocket_is_open(enabled: House, caller: Caller) -> None:
    _, token = caller.permit(number=NUMBER)
    refused(enabled, caller.invites(token), "the WebSocket of the token is not open")


def test_a_browser_does_not_choose_who_calls(enabled: House, caller: Caller) -> None:
    enabled.reload("    account: main\n", "    account: main\n    request_fields: twilio\n")
    enabled.voice("<Response><Pause length='5'/></Response>")
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    headers = {"P-Asserted-Identity": "<sip:+19005550199@x>", "X-Claim": "+19005550199", "Privacy": "id"}
    caller.invites(token, from_="+19005550199", name="The Bank", headers=headers)
    request = enabled.application.wait_for("/voice", 1)[0].fields
    assert (request["From"], request["To"]) == ("client:main", NUMBER)
    assert not [name for name, value in request.items() if "9005550199" in value or "Bank" in value]


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [(" callerId='+13125550100'", "sip:+13125550100@"), ("", "sip:anonymous@")],
)
def test_a_phone_is_shown_the_documents_caller_id_or_none(
    enabled: House, caller: Caller, attributes: str, shown: str
) -> None:
    """`client:main` is no number that a trunk could show."""
    callee = enabled.switch.register("+13125559000")
    enabled.voice(f"<Response><Dial{attributes}><Number>+13125559000</Number></Dial></Response>")
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    caller.invites(token)
    assert shown in callee.wait_called().request


def test_the_settings_say_who_calls(house: House, caller_of: Callable[[str], Caller]) -> None:
    port = house.settings.partition("port: ")[2]
    web = house.settings.partition("browser_calls: {")[2].partition("}")[0]
    assert port
    house.stop()
    house.start(web=f"browser_calls: {{{web}, caller_id: '+13125559999'}}")
    house.voice("<Response><Pause length='5'/></Response>")
    caller = caller_of("key-of-main")
    id_, token = caller.permit(number=NUMBER)
    caller.connects(id_)
    caller.invites(token)
    assert house.application.wait_for("/voice", 1)[0].fields["From"] == "+13125559999"


def test_a_call_into_a_conference_asks_no_application(enabled: House, caller: Caller) -> None:
    enabled.voice(enabled.joins("Room 7"))
    first = enabled.switch.call(NUMBER)
    assert len(enabled.delivered(2)) == 2
    assert enabled.orchestrator is not None
    (room,) = enabled.orchestrator.node.rooms
    id_, token = caller.permit(conference=room.sid)
    caller.connects(id_)
    phone = caller.invites(token)
    assert enabled.delivered(3)[2][1:] == ("participant-join", "client:main")
    assert len(enabled.application.to("/voice")) == 1
    first.hang_up()
    phone.hang_up()


@pytest.mark.parametrize(
    ("target", "status", "problem"),
    [
        ({"number": OTHER_NUMBER}, 422, "is no number of this account"),
        ({"number": "+49891234"}, 422, "is no number of this account"),
        ({"number": ""}, 422, "A number or name to call is missing"),
        ({"number": "a\nb"}, 422, "A number or name to call is missing"),
        ({"conference": "0b7f4f0e-8c0c-4e6e-9a53-0f6a5d1f7a11"}, 404, "no longer there"),
        ({"number": NUMBER, "from": "+1900"}, 400, "cannot be read"),
    ],
)
def test_a_target_of_no_account_s_own_cannot_be_called(
    caller: Caller, target: dict[str, str], status: int, problem: str
) -> None:
    answer = caller.asks(**target)
    assert answer.status_code == status, answer.text
    assert problem in answer.json().get("problem", "")


def test_a_number_or_a_new_conference_has_a_hundred_and_twenty_eight_characters_at_most(
    caller: Caller,
) -> None:
    for target, problem in (
        ({"number": "+1312555".ljust(128, "0")}, ""),
        ({"number": "+1312555".ljust(129, "0")}, "A number or name to call is missing"),
        ({"conference": "A new one"}, ""),
        ({"conference": " x ".ljust(128, "y")}, ""),
        ({"conference": "x" * 128}, ""),
        ({"conference": "x" * 129}, "This is no name of a conference"),
        ({"conference": "a\nb"}, "This is no name of a conference"),
    ):
        answer = caller.asks(**target)
        assert answer.status_code == (422 if problem else 200), target
        assert problem in answer.json().get("problem", "")


def test_another_accounts_conference_cannot_be_called(
    enabled: House, caller_of: Callable[[str], Caller]
) -> None:
    enabled.voice(enabled.joins("Room 7"))
    enabled.switch.call(NUMBER)
    enabled.delivered(2)
    assert enabled.orchestrator is not None
    (room,) = enabled.orchestrator.node.rooms
    assert caller_of(OTHER_API_KEY).asks(conference=room.sid).status_code == 404


def test_without_the_setting_there_are_no_calls(house: House) -> None:
    caller = Caller(house, "key-of-main")
    assert caller.visitor.ask("GET", "console/session").json()["calls"] is False
    answer = caller.asks(number=NUMBER)
    assert (answer.status_code, "web.browser_calls.enabled" in answer.json()["problem"]) == (403, True)
    assert "microphone=()" in answer.headers["Permissions-Policy"]


def test_with_it_the_page_may_use_the_microphone(caller: Caller) -> None:
    answer = caller.visitor.ask("GET", "")
    assert "microphone=(self)" in answer.headers["Permissions-Policy"]
    assert "camera=()" in answer.headers["Permissions-Policy"]


def test_an_account_begins_so_many_a_minute(enabled: House, caller: Caller) -> None:
    answers = [caller.asks(number=NUMBER).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    assert enabled.orchestrator is not None
    calls = enabled.orchestrator.node.browser_calls
    clock = calls._clock
    calls._clock = lambda: clock() + 60.0
    assert caller.asks(number=NUMBER).status_code == 200


def test_a_forged_request_begins_nothing(caller: Caller) -> None:
    caller.visitor.csrf = "guessed"
    assert caller.asks(number=NUMBER).status_code == 403


def test_one_who_is_not_signed_in_begins_nothing(enabled: House) -> None:
    assert Caller(enabled, "key-of-nobody").asks(number=NUMBER).status_code == 401
