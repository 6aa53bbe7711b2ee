"""A FreeSWITCH whose SIP and media are on IPv6: calls in, into a conference, and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from orchestrator.app import Orchestrator
from orchestrator.config import loads
from orchestrator.fsconfig.render import render, write
from tests.attacks.sip import Answerer, RawPhone, header
from tests.lab.switches import FreeSwitch
from tests.lab.web import Application

HERE = "::1"
NUMBER = "+13125550100"
SETTINGS = """
freeswitch:
  nodes:
    - port: {port}
      password: {password}
      recordings_dir: {directory}/recordings
      media_dir: {directory}/media
accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
sip: {{networks: {{phones: ["::1/128"]}}, allowed_hosts: ["0:0:0:0:0:0:0:1"]}}
web: {{listen: "127.0.0.1:0"}}
callbacks: {{database: {directory}/calls.sqlite}}
"""


class OnSix(FreeSwitch):
    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"FS_SIP_IP": HERE, "FS_RTP_IP": HERE}


@pytest.fixture
def switch_on_six(tmp_path: Path) -> Iterator[OnSix]:
    if reason := OnSix.why_not():
        pytest.skip(reason)
    directory = tmp_path / "freeswitch"
    directory.mkdir()
    switch = OnSix(directory)
    try:
        switch.open()
        yield switch
    finally:
        switch.close()


@pytest.fixture
def orchestrator(switch_on_six: OnSix, application: Application, tmp_path: Path) -> Iterator[Orchestrator]:
    settings = loads(
        SETTINGS.format(
            port=switch_on_six.port,
            password=switch_on_six.password,
            directory=tmp_path,
            voice=application.url("/voice"),
        )
    )
    write(render(settings), switch_on_six.conf_dir)
    for command in ("reloadxml", "reloadacl"):
        assert "+OK" in switch_on_six.api(command)
    orchestrator = Orchestrator(settings)
    orchestrator.start()
    try:
        assert orchestrator.wait_ready(10)
        yield orchestrator
    finally:
        orchestrator.stop(2)


def test_a_call_comes_in(switch_on_six: OnSix, orchestrator: Orchestrator, application: Application) -> None:
    application.document("/voice", "<Response><Dial><Conference>Room</Conference></Dial></Response>")
    with RawPhone(switch_on_six.sip_port, HERE) as phone:
        dialog = phone.invite(NUMBER, timeout=15)
        assert dialog.status == 200
        assert b"c=IN IP6 ::1" in dialog.answer
        (request,) = application.wait_for("/voice")
        assert request.fields["From"] == "+13125550001"
        assert request.fields["ToSipUri"].startswith(f"{NUMBER}@[::1]")
        gevent.sleep(0.5)
        assert len(orchestrator.node.rooms) == 1


def test_a_call_goes_out(switch_on_six: OnSix, orchestrator: Orchestrator, application: Application) -> None:
    """Symptom: `not a SIP address: 'sip:callee@[::1]:5080'`. Cause: a host was letters, digits, dots and
    hyphens. Fix: or an IPv6 address in brackets."""
    application.document("/dialled", "<Response><Hangup/></Response>")
    with (
        Answerer("200 OK", host=HERE, hangs_up_after=1.0) as callee,
        RawPhone(switch_on_six.sip_port, HERE) as phone,
    ):
        application.document(
            "/voice",
            f"<Response><Dial action='/dialled'><Sip>sip:callee@{callee.address}</Sip></Dial></Response>",
        )
        assert phone.invite(NUMBER, timeout=15).status == 200
        (request,) = application.wait_for("/dialled", 1, 10)
        assert request.fields["DialCallStatus"] == "completed"
        assert request.fields["DialBridged"] == "true"
        (invite,) = callee.invites
        assert b"c=IN IP6 ::1" in invite
        assert "[::1]" in header(invite, "Contact")


def test_the_first_of_several_that_answers_is_connected(
    switch_on_six: OnSix, orchestrator: Orchestrator, application: Application
) -> None:
    """The brackets of an address are not those of a leg's variables."""
    application.document("/dialled", "<Response><Hangup/></Response>")
    with (
        Answerer("486 Busy Here", host=HERE) as busy,
        Answerer("200 OK", host=HERE, hangs_up_after=1.0) as callee,
        RawPhone(switch_on_six.sip_port, HERE) as phone,
    ):
        nouns = "".join(f"<Sip>sip:callee@{one.address}</Sip>" for one in (busy, callee))
        application.document("/voice", f"<Response><Dial action='/dialled'>{nouns}</Dial></Response>")
        assert phone.invite(NUMBER, timeout=15).status == 200
        (request,) = application.wait_for("/dialled", 1, 10)
        assert request.fields["DialCallStatus"] == "completed"
        assert request.fields["DialBridged"] == "true"
        assert (len(busy.invites), len(callee.invites)) == (1, 1)


def test_another_address_is_not_called(
    switch_on_six: OnSix, orchestrator: Orchestrator, application: Application
) -> None:
    application.document("/dialled", "<Response><Reject/></Response>")
    with RawPhone(switch_on_six.sip_port, HERE) as phone:
        application.document(
            "/voice",
            "<Response><Dial action='/dialled' answerOnBridge='true'>"
            "<Sip>sip:callee@[fd00::2]:5060</Sip></Dial></Response>",
        )
        assert phone.invite(NUMBER, timeout=15).status == 603
        (request,) = application.to("/dialled")
        assert request.fields["DialCallStatus"] == "failed"
