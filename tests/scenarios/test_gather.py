"""Gather: what a caller types, and when it counts."""

from __future__ import annotations

import time

import pytest

from tests.lab.softphones import Phone
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
PROMPT, AFTER = 700, 1500
TRIES = 3


def gather(house: House, prompt_seconds: float = 10.0, **attributes: str) -> None:
    """A document with a prompt in a Gather, and a tone after it; whatever is typed goes to /typed."""
    text = "".join(f' {name}="{value}"' for name, value in ({"action": "/typed"} | attributes).items())
    prompt = f"<Play>{house.application.tone(PROMPT, prompt_seconds)}</Play>" if prompt_seconds else ""
    after = house.application.tone(AFTER, 1.0)
    house.voice(f"<Response><Gather{text}>{prompt}</Gather><Play>{after}</Play></Response>")
    house.application.document("/typed", "<Response><Hangup/></Response>")


def asked(house: House) -> Phone:
    """A caller who hears the prompt."""
    phone: Phone = house.switch.call(NUMBER)
    phone.wait_hears(PROMPT)
    return phone


def typed(house: House) -> str:
    (request,) = house.application.wait_for("/typed")
    assert request.method == "POST"
    return request.fields["Digits"]


def test_a_key_silences_the_prompt_within_200_ms(house: House) -> None:
    gather(house)
    took = []
    for number in range(1, TRIES + 1):
        phone = asked(house)
        # FreeSWITCH reports a key once it is let go.
        let_go = time.monotonic() + 0.1
        phone.press("1", ms=100)
        took.append(phone.wait_stops_hearing(PROMPT) - let_go)
        phone.press("#")
        assert house.application.wait_for("/typed", number)[-1].fields["Digits"] == "1"
        phone.wait_ended()
        # A busy machine makes it later, never sooner.
        if took[-1] < 0.2:
            break
    assert min(took) < 0.2


def test_a_spoken_prompt_is_silenced_too(house: House) -> None:
    after = house.application.tone(AFTER, 1.0)
    many = "One sentence after the other, and one more of them. " * 20
    house.voice(f'<Response><Gather timeout="1" action="/typed"><Say>{many}</Say></Gather></Response>')
    house.application.document("/typed", f"<Response><Play>{after}</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_answered()
    time.sleep(1.0)
    phone.press("1")
    phone.wait_hears(AFTER)
    assert typed(house) == "1"


def test_it_ends_at_the_number_of_digits(house: House) -> None:
    gather(house, numDigits="3")
    phone = asked(house)
    phone.press("1234")
    assert typed(house) == "123"
    phone.wait_ended()


def test_the_finishing_key_ends_it_and_is_no_digit(house: House) -> None:
    gather(house, finishOnKey="*")
    phone = asked(house)
    phone.press("4#2*")
    assert typed(house) == "4#2"


def test_with_no_finishing_key_only_time_ends_it(house: House) -> None:
    gather(house, finishOnKey="", timeout="1")
    phone = asked(house)
    phone.press("4#*")
    assert typed(house) == "4#*"


def test_the_time_limit_counts_from_the_end_of_the_prompts(house: House) -> None:
    gather(house, prompt_seconds=2.0, timeout="1")
    phone = asked(house)
    began = phone.wait_hears(AFTER)
    prompt = phone.heard(PROMPT)
    assert prompt[-1].end - prompt[0].start > 1.9
    assert 0.9 < began - prompt[-1].end < 4
    phone.wait_ended()
    assert not house.application.to("/typed")


def test_the_time_limit_counts_between_digits(house: House) -> None:
    gather(house, timeout="1")
    phone = asked(house)
    for key in "123":
        phone.press(key)
        time.sleep(0.7)
    assert typed(house) == "123"


def test_without_a_prompt_it_waits(house: House) -> None:
    gather(house, prompt_seconds=0, numDigits="2")
    phone = house.switch.call(NUMBER)
    phone.wait_answered()
    time.sleep(0.5)
    phone.press("42")
    assert typed(house) == "42"


def test_no_input_goes_on_to_the_next_verb(house: House) -> None:
    gather(house, prompt_seconds=0.3, timeout="1")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(AFTER)
    phone.wait_ended()
    assert not house.application.to("/typed")


def test_no_input_can_be_an_answer(house: House) -> None:
    gather(house, prompt_seconds=0.3, timeout="1", actionOnEmptyResult="true")
    phone = house.switch.call(NUMBER)
    assert typed(house) == ""
    phone.wait_ended()


def test_too_few_digits_are_no_input(house: House) -> None:
    gather(house, timeout="1", minDigits="3")
    phone = asked(house)
    phone.press("12")
    phone.wait_hears(AFTER)
    phone.wait_ended()
    assert not house.application.to("/typed")


def test_digits_that_are_not_allowed_go_elsewhere(house: House) -> None:
    gather(house, numDigits="2", validDigits="123", invalidDigitsAction="/wrong")
    house.application.document("/wrong", "<Response><Hangup/></Response>")
    phone = asked(house)
    phone.press("19")
    (request,) = house.application.wait_for("/wrong")
    assert request.fields["Digits"] == "19"
    phone.wait_ended()
    assert not house.application.to("/typed")


def test_digits_that_are_allowed_go_to_the_action(house: House) -> None:
    gather(house, numDigits="2", validDigits="123", invalidDigitsAction="/wrong")
    phone = asked(house)
    phone.press("31")
    assert typed(house) == "31"


def test_keys_pressed_before_it_do_not_count(house: House) -> None:
    first, prompt = house.application.tone(900, 1.5), house.application.tone(PROMPT, 5.0)
    house.voice(
        f'<Response><Play>{first}</Play><Gather action="/typed" numDigits="1"><Play>{prompt}</Play></Gather>'
        "</Response>"
    )
    house.application.document("/typed", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(900)
    phone.press("9")
    phone.wait_hears(PROMPT)
    phone.press("2")
    assert typed(house) == "2"


def test_without_an_action_the_same_document_is_asked_again(house: House) -> None:
    prompt, after = house.application.tone(PROMPT, 5.0), house.application.tone(AFTER)
    house.voice(
        f'<Response><Gather numDigits="1"><Play>{prompt}</Play></Gather></Response>',
        f"<Response><Play>{after}</Play></Response>",
    )
    phone = asked(house)
    phone.press("7")
    phone.wait_hears(AFTER)
    assert [request.fields.get("Digits") for request in house.application.to("/voice")] == [None, "7"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_its_own_method_is_used(house: House, method: str) -> None:
    gather(house, numDigits="1", method=method)
    phone = asked(house)
    phone.press("1")
    (request,) = house.application.wait_for("/typed")
    assert (request.method, request.fields["Digits"]) == (method, "1")


def test_the_next_sound_is_heard_at_once(house: House) -> None:
    """The next sound must not start inside of the one that is being broken off."""
    after = house.application.tone(AFTER, 1.0)
    gather(house, numDigits="1")
    house.application.document("/typed", f"<Response><Play>{after}</Play><Hangup/></Response>")
    for key in "1234":
        phone = asked(house)
        phone.press(key)
        phone.wait_hears(AFTER, 3)
        phone.wait_ended()
        assert phone.heard(AFTER)[-1].end - phone.heard(AFTER)[0].start > 0.8
        assert phone.heard(PROMPT)[-1].end < phone.heard(AFTER)[0].start


def test_a_caller_who_hangs_up_in_it_is_gone(house: House) -> None:
    gather(house)
    phone = asked(house)
    phone.hang_up()
    phone.wait_ended()
    assert not house.switch.leftovers(3.0)
    assert not house.application.to("/typed")
