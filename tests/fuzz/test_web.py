"""Requests of unknown clients to the web server: recordings of any name, REST requests with any body."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.recordings.files import SID_PATTERN
from orchestrator.recordings.signed_urls import UrlSigner
from orchestrator.web.api.blueprint import OPERATIONS
from orchestrator.web.api.errors import ApiError
from orchestrator.web.api.forms import fields_of
from orchestrator.web.api.parameter_types import Parameter
from orchestrator.web.api.parameters import by_name, read
from tests.attacks.payloads import payloads
from tests.fuzz.profile import FUZZ
from tests.web.site import Site

ACCOUNT = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
SID = "5a0bb9b7-5bd2-4f5c-bd0a-d2b9d6a1f0a1"
PAYLOADS = list(payloads(Path("/tmp/mark")).values())
TEXT = st.one_of(st.text(max_size=20), st.sampled_from(PAYLOADS))
SECRET = b"not for unknown clients"
TRICKS = (
    f"../{SID}.wav",
    f"%2e%2e%2f{SID}.wav",
    "..%2fsecret.wav",
    "%2e%2e/secret.wav",
    "....//secret.wav",
    "..%5csecret.wav",
    "..%252fsecret.wav",
    "secret.wav",
    f"{SID}.wav%00.mp3",
    f"{SID}.wav%00",
    f"{SID}%00.wav",
    f"{SID.upper()}.wav",
    f"{{{SID}}}.wav",
    f"urn:uuid:{SID}.wav",
    f"{SID.replace('-', '')}.wav",
    f"{SID}.WAV",
    f"{SID}.wav/",
    f"{SID}.wav;x",
    f"%20{SID}.wav",
    f"{SID}.wav%0a",
    f"%0d%0aSet-Cookie:x=y/{SID}.wav",
    f"{SID.replace('5', '%EF%BC%95', 1)}.wav",
    f"{SID.replace('5', '%D9%A5', 1)}.wav",
    f".{SID}.wav",
    f"{SID}.making.mp3",
    f"{SID}.part",
    f"{SID}.",
    "%ff.wav",
    "%ed%a0%80.wav",
    ".",
    "..",
    "%2f%2fetc%2fpasswd",
    "/etc/passwd",
    "A" * 7000,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    (directory / "secret.wav").write_bytes(SECRET)
    (directory / "recordings").mkdir()
    (directory / "recordings" / "secret.wav").write_bytes(SECRET)
    (directory / "recordings" / f"{SID}.making.mp3").write_bytes(SECRET)
    site = Site(directory / "recordings", lifetime=600)
    site.record(0.1, sid=SID)
    yield site
    site.server.stop(1)


@pytest.mark.parametrize("name", TRICKS, ids=range(len(TRICKS)))
def test_no_other_name_is_a_recording(site: Site, name: str) -> None:
    signed = site.files.url(SID).partition("?")[2]
    for path in (f"/recordings/{name}", f"/recordings/{name}?{signed}"):
        answer = site.ask(path)
        assert answer.status in (400, 404, 308, 414), answer.status
        assert SECRET not in answer.body
        assert "Set-Cookie" not in answer.headers
        assert SID not in answer.headers.get("Content-Disposition", "")


def test_only_the_signature_of_the_address_itself_is_good(site: Site) -> None:
    good = site.files.url(SID).partition("?")[2]
    assert site.ask(f"/recordings/{SID}.wav?{good}").status == 200
    expires, signature = re.fullmatch(r"expires=(\d+)&signature=(\w+)", good).groups()  # type: ignore[union-attr]
    other = site.files.url("00000000-0000-4000-8000-000000000000").rpartition("=")[2]
    for query in (
        "",
        f"expires={expires}",
        f"signature={signature}",
        f"expires={int(expires) + 1}&signature={signature}",
        f"expires=+{expires}&signature={signature}",
        f"expires=0{expires}&signature={signature}",
        f"expires={expires}%00&signature={signature}",
        f"expires={expires}&signature={signature.upper()}",
        f"expires={expires}&signature={signature[:-1]}",
        f"expires={expires}&signature={signature}%00",
        f"expires={expires}&signature={other}",
        f"expires={expires}&signature=%ed%a0%80",
        f"expires=9&expires={expires}&signature={signature}",
        f"expires[]={expires}&signature[]={signature}",
        "expires=99999999999999999999&signature=" + "0" * 64,
    ):
        assert site.ask(f"/recordings/{SID}.wav?{query}").status == 403, query


@FUZZ
@given(
    st.one_of(st.binary(max_size=40), st.sampled_from(PAYLOADS).map(lambda t: t.encode("utf-8", "replace")))
)
def test_any_name_is_answered_with_words(site: Site, name: bytes) -> None:
    answer = site.ask(f"/recordings/{quote_from_bytes(name[:5000], safe='/.')}")
    assert answer.status in (400, 404, 405, 308), answer.status
    assert SECRET not in answer.body


@FUZZ
@given(TEXT, TEXT, TEXT)
def test_a_signature_is_good_for_nobody_else(sid: str, expires: str, signature: str) -> None:
    signer = UrlSigner(bytes(32), 600, lambda: 1000.0)
    assert signer.refusal(SID, quote(expires), quote(signature))
    assert signer.refusal(
        SID, expires.encode("utf-8", "replace").decode(), signature.encode("utf-8", "replace").decode()
    )
    assert re.fullmatch(SID_PATTERN, sid) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
PARAMETERS = {
    parameter.name: parameter for operation in OPERATIONS for parameter in (*operation.body, *operation.query)
}


def convert(body: bytes, kind: str) -> None:
    try:
        fields = fields_of(body, kind)
    except ApiError:
        return
    for operation in OPERATIONS:
        with contextlib.suppress(ApiError):
            read(operation.parameters, fields, ACCOUNT)


@FUZZ
@given(
    st.one_of(
        st.binary(max_size=60), st.binary(max_size=20).map(lambda b: b"{" + b), st.text().map(str.encode)
    ),
    st.sampled_from(
        [
            "",
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=b",
            "\0",
        ]
    ),
)
@example(b"[" * 100_000, "application/json")
@example(b'{"a":' * 50_000, "application/json")
@example(b"&".join([b"a=b"] * 100_000), "application/x-www-form-urlencoded")
@example(
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--', "multipart/form-data; boundary=b"
)
@example(b"a=%ed%a0%80", "")
@example(b'{"Muted":"\\ud800"}', "")
def test_any_body_is_fields_or_an_api_error(body: bytes, kind: str) -> None:
    convert(body, kind)


@FUZZ
@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), JSON, max_size=6))
def test_any_values_of_known_parameters_are_converted_or_named_in_an_api_error(
    values: dict[str, object],
) -> None:
    convert(msgspec.json.encode(values), "application/json")


@FUZZ
@given(st.sampled_from(list(PARAMETERS.values())), JSON)
def test_a_parameter_is_a_value_or_an_api_error(parameter: Parameter, value: object) -> None:
    try:
        read(by_name([parameter]), [(parameter.name, value)], ACCOUNT)
    except ApiError as error:
        status = error.status
        assert 400 <= status < 500
