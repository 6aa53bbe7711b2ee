"""Redirect, Hangup, Reject, and the order of verbs."""

from __future__ import annotations

import time

import pytest

from orchestrator.calls import runner
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
HEARD, NEVER = 700, 1500


def test_a_redirect_is_relative_to_its_document(house: House) -> None:
    house.voice("<Response><Redirect>/menus/first.xml</Redirect></Response>")
    house.application.document("/menus/first.xml", "<Response><Redirect> second.xml </Redirect></Response>")
    house.application.document("/menus/second.xml", "<Response><Hangup/></Response>")
    house.switch.call(NUMBER).wait_ended()
    assert [request.method for request in house.application.to("/menus/second.xml")] == ["POST"]


def test_a_redirect_by_get(house: House) -> None:
    house.voice('<Response><Redirect method="GET">/next</Redirect></Response>')
    house.application.document("/next", "<Response><Hangup/></Response>")
    house.switch.call(NUMBER).wait_ended()
    assert [request.method for request in house.application.to("/next")] == ["GET"]


def test_an_empty_redirect_asks_the_same_document_again(house: House) -> None:
    house.voice("<Response><Redirect/></Response>", "<Response><Reject reason='busy'/></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_ended()
    assert phone.sip_status == 486
    assert len(house.application.to("/voice")) == 2


def test_nothing_runs_after_a_redirect(house: House) -> None:
    never = house.application.tone(NEVER)
    house.voice(f"<Response><Redirect>/next</Redirect><Play>{never}</Play></Response>")
    house.application.document("/next", f"<Response><Play>{house.application.tone(HEARD)}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(HEARD)
    phone.wait_ended()
    assert not phone.heard(NEVER)


def test_hangup_ends_an_answered_call(house: House) -> None:
    heard, never = house.application.tone(HEARD, 0.5), house.application.tone(NEVER)
    house.voice(f"<Response><Play>{heard}</Play><Hangup/><Play>{never}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(HEARD)
    phone.wait_ended()
    assert phone.sip_status == 200
    assert not phone.heard(NEVER)


@pytest.mark.parametrize(
    ("attributes", "status"), [("", 603), ('reason="rejected"', 603), ('reason="busy"', 486)]
)
def test_reject_refuses_a_call_that_was_not_answered(house: House, attributes: str, status: int) -> None:
    house.voice(f"<Response><Reject {attributes}/></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_ended()
    assert phone.sip_status == status
    assert "answered" not in phone.times


def test_reject_just_ends_a_call_that_was(house: House) -> None:
    house.voice(
        f"<Response><Play>{house.application.tone(HEARD, 0.5)}</Play><Reject reason='busy'/></Response>"
    )
    phone = house.switch.call(NUMBER)
    phone.wait_hears(HEARD)
    phone.wait_ended()
    assert phone.sip_status == 200


@pytest.mark.parametrize(
    "document", ["<Response/>", "<Response></Response>", "<Response><!-- no verb --></Response>"]
)
def test_an_empty_document_ends_the_call(house: House, document: str) -> None:
    house.voice(document)
    phone = house.switch.call(NUMBER)
    phone.wait_ended()
    assert "answered" not in phone.times


def test_the_end_of_a_document_ends_the_call(house: House) -> None:
    house.voice(f"<Response><Play>{house.application.tone(HEARD, 0.5)}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_ended()
    assert phone.sip_status == 200


def test_verbs_that_nobody_knows_are_skipped(house: House) -> None:
    heard = house.application.tone(HEARD)
    house.voice(f"<Response><Juggle balls='3'/><play>x</play><Play>{heard}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(HEARD)
    phone.wait_ended()
    assert house.log.has("Juggle")


def test_verbs_after_a_dial_with_an_action_are_never_reached(house: House) -> None:
    never = house.application.tone(NEVER)
    house.switch.register("100")
    house.log.allows("not dialled")
    house.voice(f'<Response><Dial action="/after">+999</Dial><Play>{never}</Play></Response>')
    house.application.document("/after", f"<Response><Play>{house.application.tone(HEARD)}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(HEARD)
    phone.wait_ended()
    assert not phone.heard(NEVER)


def test_documents_that_lead_in_circles_are_slowed_down_and_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_QUICK_DOCUMENTS", 12)
    house.log.allows("circles")
    house.voice("<Response><Redirect/></Response>")
    began = time.monotonic()
    phone = house.switch.call(NUMBER)
    phone.wait_ended(10)
    assert time.monotonic() - began > 1
    assert phone.sip_status == 503
    assert len(house.application.to("/voice")) < 16


def test_a_caller_in_circles_can_hang_up(house: House) -> None:
    house.voice("<Response><Redirect/></Response>")
    phone = house.switch.call(NUMBER)
    house.application.wait_for("/voice", 8)
    phone.hang_up()
    phone.wait_ended()
    assert not house.switch.leftovers(3.0)


def test_a_number_that_nobody_has_is_refused(house: House) -> None:
    phone = house.switch.call("+999000")
    phone.wait_ended()
    assert phone.sip_status == 404
    assert house.log.has("no application for this number")


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_action_asks_the_same_document_again(house: House, empty: str) -> None:
    """As an empty reference is by RFC 3986: an agent's `<Dial action="">` takes the next call after each."""
    house.voice(
        f'<Response><Dial action="{empty}" method="GET"><Client>a</Client></Dial><Reject/></Response>',
        "<Response><Reject reason='busy'/></Response>",
    )
    phone = house.switch.call(NUMBER)
    phone.wait_ended()
    assert phone.sip_status == 486
    _, second = house.application.to("/voice")
    assert (second.method, second.fields["DialCallStatus"]) == ("GET", "failed")


def test_a_menu_that_goes_round_for_hours_is_no_circle(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents that play something take their time: however many there were, none counts as a quick one."""
    monkeypatch.setattr(runner, "QUICK_SECONDS", 0.1)
    monkeypatch.setattr(runner, "QUICK_DOCUMENTS", 2)
    monkeypatch.setattr(runner, "MAX_QUICK_DOCUMENTS", 4)
    slow = (
        f"<Response><Play>{house.application.tone(HEARD, 0.3)}</Play><Redirect>/voice</Redirect></Response>"
    )
    quick = "<Response><Redirect>/voice</Redirect></Response>"
    # Three quick ones in a row, again and again: more in all than are allowed in a row.
    house.voice(*[slow, quick, quick, quick] * 4, "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_ended(20)
    assert len(house.application.to("/voice")) == 17


@pytest.mark.parametrize(("caller", "status"), [("+13125550001", 486), ("+13125550002", 603)])
def test_a_template_is_filled_in_with_the_request(house: House, caller: str, status: int) -> None:
    house.voice("<Response><Redirect method='GET'>/next?Wanted=busy&amp;n=1</Redirect></Response>")
    house.application.document(
        "/next",
        "<Response>{{#if From == +13125550001}}<Reject reason='{{Wanted}}'/>"
        "{{#else}}<Reject/>{{/if}}</Response>",
    )
    phone = house.switch.call(NUMBER, from_=caller)
    phone.wait_ended()
    assert phone.sip_status == status
