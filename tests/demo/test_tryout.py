"""`orchestrator demo --voice-url`: each trouble of an application is named, with its remedy."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar

import gevent
import pytest

from tests.demo.process import DEMO, ENVIRONMENT, ROOT, demo
from tests.lab.web import Answer, Application, Request

CONFERENCE = (
    '<Response><Dial><Conference {}statusCallback="/events" statusCallbackEvent="start join leave">Mine'
    "</Conference></Dial></Response>"
)


@pytest.fixture
def voice(application: Application) -> Callable[[str], str]:
    def answer(document: str) -> str:
        application.takes_callbacks("/events")
        return application.document("/voice", document)

    return answer


def test_an_application_of_ones_own_is_called_and_its_mistakes_have_lines(
    application: Application, voice: Callable[[str], str]
) -> None:
    url = voice(
        '<Response>\n<Say colour="red">Hello</Say>\n'
        '<Dial><Conference statusCallback="/events" statusCallbackEvent="join leave">Mine</Conference>'
        "</Dial>\n</Response>"
    )
    done = demo("--voice-url", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'line 2: <Say colour="red">' in done.stdout
    assert "<Conference> Mine" in done.stdout
    assert "callback 0 participant-join" in done.stdout
    assert "can be used: 2 documents, 2 warnings, 4 callbacks delivered" in done.stdout
    assert len(application.to("/events")) == 4


def test_a_conference_without_callbacks_is_remarked_on(voice: Callable[[str], str]) -> None:
    url = voice("<Response><Dial><Conference>Mine</Conference></Dial></Response>")
    done = demo("--voice-url", url, "--calls", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "line 1: this <Conference> has no statusCallback" in done.stdout
    assert "can be used: 1 document, 0 warnings, 0 callbacks delivered" in done.stdout


TROUBLES = {
    "no verb": ("<Response/>", "has no verb: the call ends at once", "put a verb into <Response>"),
    "only unsupported verbs": (
        "<Response>\n<Enqueue>support</Enqueue>\n<Hangup/></Response>",
        "it answers with nothing that is built here: <Enqueue> in line 2",
        "docs/texml.md lists the verbs that are built",
    ),
    "a verb that nobody has": (
        "<Response><Speak>Hello</Speak></Response>",
        "it answers with nothing that is built here: <Speak> in line 1",
        "docs/texml.md",
    ),
    "a Dial of something that is not built": (
        "<Response><Dial><Queue>support</Queue></Dial></Response>",
        "it answers with nothing that is built here: <Queue> in line 1",
        "docs/texml.md",
    ),
    "a conference that nobody can start": (
        CONFERENCE.format('startConferenceOnEnter="false" '),
        "nobody can start the conference Mine: 2 callers wait in it, each with startConferenceOnEnter=",
        'let one of them have startConferenceOnEnter="true", the default, or call from the number',
    ),
    "statusCallback without statusCallbackEvent": (
        '<Response><Dial>\n<Conference statusCallback="/events">Mine</Conference></Dial></Response>',
        "/voice: statusCallback without statusCallbackEvent",
        'statusCallbackEvent="start end join leave" beside it',
    ),
    "an HTML page": (
        "<!DOCTYPE html><html><title>Please log in</title></html>",
        "the answer is an HTML page, not XML (status 200): Please log in",
        "It has to answer with TeXML",
    ),
    "an empty answer": ("", "the answer is empty (status 200)", "It has to answer with TeXML"),
    "a Redirect to itself": (
        "<Response><Redirect>/voice</Redirect></Response>",
        "the documents lead in circles, here ",
        "let <Redirect> or action lead to another document",
    ),
}


@pytest.mark.parametrize(("document", "problem", "remedy"), TROUBLES.values(), ids=list(TROUBLES))
def test_an_application_that_cannot_be_used_is_called_so_with_the_remedy(
    voice: Callable[[str], str], document: str, problem: str, remedy: str
) -> None:
    done = demo("--voice-url", voice(document))
    assert done.returncode == 1, done.stdout + done.stderr
    verdict = done.stdout.partition("the application cannot be used as it is: ")[2].splitlines()
    (line,) = [line for line in verdict if problem in line]
    assert remedy.lower() in line.partition(" -> ")[2].lower()


def test_endless_redirects_over_http(application: Application) -> None:
    url = application.route("/voice", Answer(status=302, headers={"Location": "/voice"}))
    done = demo("--voice-url", url, "--calls", "1")
    assert done.returncode == 1
    assert "more than 3 redirects -> it redirects in circles" in done.stdout


def test_a_receiver_of_callbacks_that_fails(application: Application, voice: Callable[[str], str]) -> None:
    url = voice(CONFERENCE.format(""))
    application.route("/events", 404)
    done = demo("--voice-url", url, "--calls", "1")
    assert done.returncode == 1
    assert "/events failed: answered 404 (3 times) -> the application does not know this path" in (
        done.stdout
    )


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://127.0.0.1:1/voice", "nothing listens there"),
        ("http://no-such-name.invalid/voice", "this name is not known"),
        ("ftp://example.com/voice", "no http or https URL"),
    ],
)
def test_an_application_that_cannot_be_reached_is_explained(url: str, advice: str) -> None:
    done = demo("--voice-url", url, "--calls", "1")
    assert done.returncode == 1
    assert advice in done.stdout


MENU = '<Response><Gather action="/chosen" numDigits="2" timeout="1"><Say>Choose</Say></Gather></Response>'


def test_the_callers_press_keys_one_entry_for_each_gather(
    application: Application, voice: Callable[[str], str]
) -> None:
    voice(MENU)
    application.document("/chosen", MENU, "<Response><Say>Thank you</Say></Response>")
    done = demo("--voice-url", application.url("/voice"), "--calls", "1", "--press", "1,2#")
    assert done.returncode == 0, done.stdout
    assert [request.fields["Digits"] for request in application.to("/chosen")] == ["1", "2"]
    assert "call 1  presses 2#" in done.stdout


def test_without_keys_a_menu_says_that_nothing_was_pressed(voice: Callable[[str], str]) -> None:
    done = demo("--voice-url", voice(MENU), "--calls", "1")
    assert done.returncode == 0, done.stdout
    assert "presses nothing: --press gives it keys" in done.stdout


def test_the_calls_come_from_numbers_and_go_to_one_as_asked(application: Application) -> None:
    """A moderator that its number makes one: the conference starts once this number calls too."""

    def answer(request: Request) -> Answer:
        starts = "true" if request.fields["From"] == "+13125559999" else "false"
        document = CONFERENCE.format(f'startConferenceOnEnter="{starts}" ')
        return Answer(document, headers={"Content-Type": "application/xml"})

    application.takes_callbacks("/events")
    application.route("/voice", answer)
    url = application.url("/voice")
    assert demo("--voice-url", url).returncode == 1
    application.requests.clear()
    done = demo("--voice-url", url, "--from", "1001", "--from", "+1312-555-9999", "--to", "+4930123456")
    assert done.returncode == 0, done.stdout
    asked = [(request.fields["From"], request.fields["To"]) for request in application.to("/voice")]
    assert asked == [("1001", "+4930123456"), ("+13125559999", "+4930123456")]


def test_callers_who_are_all_refused_are_remarked_on(voice: Callable[[str], str]) -> None:
    done = demo("--voice-url", voice("<Response><Reject/></Response>"))
    assert done.returncode == 0, done.stdout
    assert (
        "every call was refused with <Reject> -> call from a number, or to one, that it takes" in done.stdout
    )


def test_a_caller_stays_as_long_as_asked(application: Application, voice: Callable[[str], str]) -> None:
    url = voice(CONFERENCE.format(""))
    done = demo("--voice-url", url, "--calls", "1", "--wait", "6")
    assert done.returncode == 0, done.stdout
    events = {request.fields["StatusCallbackEvent"]: request.at for request in application.to("/events")}
    assert 5.5 < events["participant-leave"] - events["participant-join"] < 9.0


@pytest.mark.parametrize("words", [["--calls", "1"], ["--press", "1"], ["--wait", "3"], ["--from", "1001"]])
def test_an_option_of_a_try_out_needs_its_url(words: list[str]) -> None:
    done = demo(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{words[0]} needs --voice-url" in done.stderr


def test_keys_that_are_none_are_refused() -> None:
    done = demo("--voice-url", "http://127.0.0.1:1/", "--press", "1,x")
    assert done.returncode == 2
    assert "'x' are no keys" in done.stderr


def sign_in(url: str, key: str) -> dict[str, object]:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = opener.open(url, timeout=10).read().decode()
    assert "<html" in page
    body = json.dumps({"key": key}).encode()
    request = urllib.request.Request(f"{url}console/session", body, {"Content-Type": "application/json"})
    return json.loads(opener.open(request, timeout=10).read())


@pytest.mark.parametrize("built_in", [True, False], ids=["the built-in conference", "an application"])
def test_the_console_stays_open_until_an_interrupt_and_takes_the_key_that_is_printed(
    voice: Callable[[str], str], built_in: bool
) -> None:
    url = voice(CONFERENCE.format(""))
    words = ["--console"] if built_in else ["--console", "--voice-url", url, "--calls", "1"]
    process = subprocess.Popen([*DEMO, *words], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT)
    lines: list[str] = []
    with gevent.Timeout(120):
        for line in process.stdout:
            lines.append(line)
            if "until Ctrl-C" in line:
                break
        shown = "".join(lines)
        address = re.search(r"console: (http://127.0.0.1:\d+/)  sign in with the API key (\S+)", shown)
        assert address, shown
        welcome = sign_in(address[1], address[2])
        assert welcome["account"]["name"] == "demo"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0, shown
