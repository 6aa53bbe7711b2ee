"""A URL that expires: valid as it was sent, for as long as was set, and for nothing else."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from orchestrator.app import Orchestrator
from orchestrator.config import loads
from tests.web.site import Site

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
SID = "35094891-3290-4142-b2c2-b2eda57534cf"
OTHER = "45094891-3290-4142-b2c2-b2eda57534cf"


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    site = open_site(lifetime=600)
    site.record(sid=SID)
    site.record(sid=OTHER)
    return site


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_an_address_is_good_as_it_was_reported(site: Site, kind: str) -> None:
    url = site.files.url(SID, "mp3" if kind == "mp3" else "wav")
    assert f"/recordings/{SID}.{kind}?expires=" in url
    assert site.ask_url(url).status == 200


def test_a_url_for_the_wav_is_good_for_the_mp3(site: Site) -> None:
    assert site.ask_url(site.files.url(SID).replace(".wav", ".mp3")).status == 200


def test_an_address_expires_and_says_so(site: Site) -> None:
    url = site.files.url(SID)
    site.ahead = 598
    assert site.ask_url(url).status == 200
    site.ahead = 601
    answer = site.ask_url(url)
    assert (answer.status, answer.text) == (403, "this address has expired\n")


def changed(**changes: str | None) -> Callable[[str], str]:
    def change(url: str) -> str:
        parts = urlsplit(url)
        values = {key: found[0] for key, found in parse_qs(parts.query).items()} | changes
        query = "&".join(f"{key}={value}" for key, value in values.items() if value is not None)
        return f"{parts.path}?{query}"

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed(expires="99999999999"),
        changed(expires="-1"),
        changed(expires=""),
        changed(expires="1e99"),
        changed(expires=None),
        changed(signature=None),
        changed(signature=""),
        changed(signature="0" * 64),
        changed(signature="%C3%A9%00%ff"),
        changed(expires=None, signature=None),
        lambda url: url.replace(SID, OTHER),
        lambda url: url[:-1],
        lambda url: url + "0",
    ],
)
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_changed_address_is_refused(site: Site, change: Callable[[str], str], kind: str) -> None:
    answer = site.ask_url(change(site.files.url(SID, "mp3" if kind == "mp3" else "wav")))
    assert (answer.status, "signature" in answer.text) == (403, True)


@pytest.mark.parametrize(("suffix", "kind"), [(".mp3", "audio/mpeg"), (".wav", "audio/wav")])
def test_a_client_that_puts_a_suffix_behind_a_signed_address_hears_that(
    site: Site, suffix: str, kind: str
) -> None:
    """Applications written for Twilio ask for RecordingUrl + ".mp3"."""
    for delivered in ("wav", "mp3"):
        answer = site.ask_url(site.files.url(SID, "mp3" if delivered == "mp3" else "wav") + suffix)
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


def test_an_unknown_client_does_not_learn_what_there_is(site: Site) -> None:
    there, gone = (site.ask(f"/recordings/{sid}.wav") for sid in (SID, SID.replace("3", "4")))
    assert (there.status, there.text) == (gone.status, gone.text)


def test_a_valid_url_of_a_deleted_recording_finds_nothing(site: Site) -> None:
    url = site.files.url(SID)
    site.files.path(SID).unlink()
    assert site.ask_url(url).status == 404


def test_another_key_knows_nothing_of_this_ones_addresses(site: Site, open_site: Callable[..., Site]) -> None:
    url = site.files.url(SID)
    assert open_site(lifetime=600, key=b"x" * 32).ask(url[url.index("/recordings") :]).status == 403


def test_addresses_that_were_signed_stay_good_when_signing_is_switched_off(
    site: Site, open_site: Callable[..., Site]
) -> None:
    url = site.files.url(SID)
    site.ahead = 3600
    assert open_site().ask(url[url.index("/recordings") :]).status == 200


def test_the_key_is_made_once_and_outlives_restarts(tmp_path: Path) -> None:
    def url_and_refusal(text: str, query: dict[str, list[str]] | None = None) -> tuple[str, str | None]:
        orchestrator = Orchestrator(loads(ACCOUNT + text, directory=tmp_path, environ={}))
        try:
            files = orchestrator.node.call_context.call_recorder.files
            refusal = None
            if query and files.signer:
                refusal = files.signer.refusal(SID, query["expires"][0], query["signature"][0])
            return files.url(SID), refusal
        finally:
            orchestrator.outbox.close()

    text = "recordings: {url_lifetime_secs: 600}\nweb: {public_url: 'https://conf.example.com/'}\n"
    url, _ = url_and_refusal(text)
    assert url.startswith(f"https://conf.example.com/recordings/{SID}.wav?")
    assert url_and_refusal(text, parse_qs(urlsplit(url).query))[1] == ""
    assert "?" not in url_and_refusal("")[0]
