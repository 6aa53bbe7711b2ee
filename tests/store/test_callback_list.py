"""Callbacks as people list, search and replay them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.callbacks.signature import AccountKeys
from orchestrator.rejection import NotFound, ServiceError
from orchestrator.services.callbacks import CallbackService
from orchestrator.store.message import CallbackQuery, receiver_of
from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import Office, make, wait_until
from tests.callbacks.receiver import Receiver, answers, hangs

ALL = CallbackQuery("account")


def fail(
    office: Office, destination: Receiver, *sequences: int, queue: str = "room", path: str = "/c"
) -> None:
    before = len(office.results)
    destination.behave(answers(410))
    office.send(*(make(queue, destination.url(path), number) for number in sequences))
    office.wait_results(before + len(sequences))
    destination.behave(answers(200))
    destination.requests.clear()


def deliver(office: Office, destination: Receiver, *sequences: int, queue: str = "room") -> None:
    before = len(office.results)
    destination.behave(answers(200))
    office.send(
        *(make(queue, destination.url("/c"), number, fields=(("From", "+1 312"),)) for number in sequences)
    )
    office.wait_results(before + len(sequences))
    destination.requests.clear()


@pytest.fixture
def service(office: Office) -> CallbackService:
    return CallbackService(office.outbox, office.delivery)


def numbers(service: CallbackService, query: CallbackQuery) -> list[int]:
    return [one.sequence for one in service.find(query)]


def test_the_list_has_all_states_the_newest_first(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0)
    deliver(office, destination, 1)
    destination.behave(hangs)
    office.send(make("room", destination.url("/c"), 2))
    states = [(one.sequence, one.state) for one in service.find(ALL)]
    assert states == [(2, "waiting"), (1, "delivered"), (0, "failed")]
    assert numbers(service, ALL._replace(waiting=False)) == [1, 0]
    assert numbers(service, ALL._replace(waiting=False, delivered=False)) == [0]
    assert numbers(service, ALL._replace(waiting=False, failed=False)) == [1]
    assert numbers(service, ALL._replace(delivered=False, failed=False)) == [2]
    assert numbers(service, ALL._replace(limit=2)) == [2, 1]
    assert numbers(service, ALL._replace(before=service.find(ALL)[1].id)) == [0]
    assert numbers(service, ALL._replace(account_sid="another")) == []


def test_the_list_is_narrowed_by_queue_receiver_words_and_time(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0, queue="one", path="/x%y")
    deliver(office, destination, 1, queue="two")
    first, second = sorted(service.find(ALL), key=lambda one: one.id)
    assert numbers(service, ALL._replace(queues=("one",))) == [0]
    assert numbers(service, ALL._replace(receiver=receiver_of(destination.url("/")))) == [1, 0]
    assert numbers(service, ALL._replace(receiver="https://elsewhere.example")) == []
    # A body is quoted as it is sent; what is special in SQL is a character like any other.
    for words, found in (("+1 312", [1]), ("x%y", [0]), ("x_y", []), ("TWO", [1]), ("PARTICIPANT-", [1, 0])):
        assert numbers(service, ALL._replace(words=words)) == found, words
    assert numbers(service, ALL._replace(since=second.created_at)) == [1]
    assert numbers(service, ALL._replace(until=second.created_at)) == [0]
    assert first.url.endswith("/x%y")


def test_receivers_are_counted_with_their_last_error(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0, 1, queue="one")
    fail(office, destination, 2, queue="two", path="/other?token=1")
    (one,) = service.receivers("account")
    assert (one.name, one.failed, one.waiting) == (receiver_of(destination.url("/")), 3, 0)
    assert "410" in one.last_error
    assert one.last_at > 0
    assert service.receivers("another") == []
    assert service.failing(["one", "two", "three"]) == {"one": 2, "two": 1}
    assert service.failing([]) == {}


def test_waiting_callbacks_of_a_receiver_are_counted_over_all_queues_and_by_account(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    delivery = Delivery(outbox, lambda account: AccountKeys(None, None), DeliverySettings())
    service = CallbackService(outbox, delivery)
    outbox.commit([make("one", "http://h/a?x=1"), make("one", "http://h/b", 1), make("two", "http://h/a")])
    outbox.commit([make("three", "http://other/"), replace(make("four", "http://h/"), account_sid="another")])
    found = {one.name: (one.waiting, one.failed) for one in service.receivers("account")}
    assert found == {"http://h": (3, 0), "http://other": (1, 0)}
    assert {one.name: one.waiting for one in service.receivers("another")} == {"http://h": 1}
    outbox.close()


def test_one_is_replayed_whether_it_failed_or_was_delivered(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0)
    deliver(office, destination, 1)
    delivered, failed = service.find(ALL)
    for one in (failed, delivered):
        service.replay("account", one.id)
        wait_until(lambda one=one: service.one("account", one.id).state == "delivered", "it is delivered")
    wait_until(lambda: [request.sequence for request in destination.requests] == [0, 1], "both came")
    assert destination.requests[1].body == b"From=%2B1+312&SequenceNumber=1"


def test_another_account_s_callback_and_a_waiting_one_are_not_replayed(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0)
    (failed,) = service.find(ALL)
    with pytest.raises(NotFound):
        service.replay("another", failed.id)
    with pytest.raises(NotFound):
        service.replay("account", failed.id + 7)
    destination.behave(hangs)
    office.send(make("room", destination.url("/c"), 1))
    with pytest.raises(ServiceError, match="by itself"):
        service.replay("account", service.find(ALL)[0].id)


def test_all_that_failed_at_a_receiver_are_replayed_in_their_order_and_no_others(
    office: Office, destination: Receiver, service: CallbackService
) -> None:
    fail(office, destination, 0, 1, 2)
    elsewhere = replace(make("room", "https://[broken", 9), account_sid="account")
    before = len(office.results)
    office.send(elsewhere)
    office.wait_results(before + 1)
    deliver(office, destination, 3)
    assert service.replay_failed("another") == 0
    assert service.replay_failed("account", receiver_of(destination.url("/"))) == 3
    wait_until(lambda: len(destination.requests) == 3, "they came")
    assert [request.sequence for request in destination.requests] == [0, 1, 2]
    wait_until(lambda: not service.receivers("account")[0].waiting, "nothing waits")
    (left,) = service.find(ALL._replace(waiting=False, delivered=False))
    assert left.sequence == 9


def test_each_question_and_order_sees_what_is_not_on_disk_yet(
    tmp_path: Path,
) -> None:
    """Delivery writes behind: an end is in memory until its next flush."""
    outbox = Outbox(tmp_path / "outbox.sqlite")
    delivery = Delivery(outbox, lambda account: AccountKeys(None, None), DeliverySettings())
    service, url = CallbackService(outbox, delivery), "http://h/c"

    def failed(queue: str) -> int:
        """The id of one whose failure is not on disk yet."""
        outbox.commit([make(queue, url)])
        message = outbox.next(queue)
        assert message is not None
        outbox.finish(message, delivered=False, attempts=1, status=410, error="answered 410")
        return message.id

    failed("one")
    assert [one.state for one in service.find(ALL)] == ["failed"]
    assert service.one("account", failed("two")).state == "failed"
    failed("three")
    assert [one.failed for one in service.receivers("account")] == [3]
    failed("four")
    assert service.failing(["four"]) == {"four": 1}
    service.replay("account", failed("five"))
    failed("six")
    assert service.replay_failed("account", receiver_of(url)) == 6
    outbox.close()
