"""The changes of a reload are seen on the next call: not in the settings, but in its behaviour."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from pydantic import SecretStr
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from orchestrator.callbacks.signature import load_key, new_seed, public_key
from orchestrator.config import loads
from orchestrator.config.network import Network as NetworkSettings
from orchestrator.config.service import Admission
from orchestrator.config.settings import Settings
from tests.lab.web import Request
from tests.scenarios.conftest import ACCOUNT, NUMBER, SEED, House, house
from tests.sound.common import until

__all__ = ["house"]
pytestmark = pytest.mark.rather("emulator")
FIRST, SECOND = "+13125550002", "+13125550003"


def reload(house: House, **sections: Any) -> None:
    """With these sections of the settings in place of those in force."""
    assert house.orchestrator is not None
    settings = house.orchestrator.settings.model_copy(update=sections)
    result = house.orchestrator.reloader.reload(lambda: settings)
    assert not result.problems
    assert "changed: " in result.notes[0]


def in_force(house: House) -> Settings:
    assert house.orchestrator is not None
    return house.orchestrator.settings


def is_signed(request: Request, seed: str) -> bool:
    headers = {name: request.headers[name] for name in ("telnyx-timestamp", "telnyx-signature-ed25519")}
    try:
        verify_webhook_signature(request.body, headers, public_key(load_key(seed)))
    except WebhookVerificationError:
        return False
    return True


def test_the_limit_of_calls(house: House) -> None:
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST)
    first.wait_answered(10)
    reload(house, admission=Admission(max_calls=1))
    refused = house.switch.call(NUMBER, from_=SECOND)
    refused.wait_ended(10)
    assert refused.sip_status == 503
    reload(house, admission=Admission(max_calls=2))
    second = house.switch.call(NUMBER, from_=SECOND)
    second.wait_answered(10)


def closed(house: House) -> NetworkSettings:
    return in_force(house).network.model_copy(update={"private_addresses": "refuse"})


def test_the_addresses_of_documents(house: House) -> None:
    house.log.allows("no instructions")
    house.voice("<Response><Reject reason='busy'/></Response>")
    opened = in_force(house).network
    reload(house, network=closed(house))
    house.switch.call(NUMBER, from_=FIRST).wait_ended(10)
    assert not house.application.to("/voice")
    reload(house, network=opened)
    house.switch.call(NUMBER, from_=FIRST).wait_ended(10)
    assert len(house.application.to("/voice")) == 1


def test_the_addresses_of_callbacks(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    reload(house, network=closed(house))
    # Symptom: callbacks went on over a kept connection. Cause: an address was checked when it was dialled, by
    # the settings of then. Fix: other settings are a reason to dial anew.
    phone.hang_up()
    until(lambda: house.log.has("conference-end", "is not dialled"), 10, "the end is not sent")
    assert len(house.delivered()) == 2
    # The other two are not to come, as the fixture would have it.
    house.subscriptions.clear()


def test_the_key_that_signs(house: House) -> None:
    house.voice(house.joins())
    seed = new_seed()
    (main, *others) = in_force(house).accounts
    assert main.sid == ACCOUNT
    phone = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    assert all(is_signed(request, SEED) for request in house.application.to("/events"))
    reload(house, accounts=(main.model_copy(update={"signing_key": SecretStr(seed)}), *others))
    phone.hang_up()
    house.delivered(4)
    assert all(is_signed(request, seed) for request in house.application.to("/events")[2:])


def test_how_many_it_takes_to_start(house: House) -> None:
    house.voice(house.joins())
    conference = in_force(house).conference
    reload(house, conference=conference.model_copy(update={"min_participants_to_start": 2}))
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(1)
    gevent.sleep(0.3)
    assert [event for _, event, _ in house.delivered()] == ["participant-join"]
    second = house.switch.call(NUMBER, from_=SECOND)
    assert [event for _, event, _ in house.delivered(3)][1:] == ["conference-start", "participant-join"]
    for phone in (first, second):
        phone.hang_up()


def test_a_file_with_one_mistake_changes_nothing_at_all(house: House) -> None:
    assert house.orchestrator is not None
    house.log.allows("settings not reloaded")
    before = in_force(house)
    text = f"accounts: [{{sid: {ACCOUNT}}}]\nadmission: {{max_calls: 1}}\nfetch: {{timeout_secs: x}}\n"
    result = house.orchestrator.reloader.reload(lambda: loads(text, environ={}))
    assert result.bad_settings
    assert in_force(house) is before
    assert house.orchestrator.node.admission.limiter.limits is before.admission
