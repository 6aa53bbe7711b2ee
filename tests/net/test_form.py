from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.net.form import form_encoded

FIELDS = st.lists(st.tuples(st.text(), st.text()))


@given(FIELDS)
def test_fields_are_encoded_as_urllib_encodes_them(fields: list[tuple[str, str]]) -> None:
    assert form_encoded(fields) == urlencode(fields, errors="replace")


@given(st.lists(st.tuples(st.text(min_size=1), st.text(st.characters(exclude_categories=["Cs"])))))
def test_a_receiver_reads_what_was_encoded(fields: list[tuple[str, str]]) -> None:
    fields = [(name, value) for name, value in fields if name.isprintable()]
    assert parse_qsl(form_encoded(fields), keep_blank_values=True) == fields


def test_what_is_no_unicode_is_replaced() -> None:
    assert form_encoded([("From", "\ud83d")]) == "From=%3F"
