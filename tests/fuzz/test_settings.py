"""Any settings file: Settings, or ConfigErrors that name the place. Never anything else."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from orchestrator import cli
from orchestrator.config import ConfigErrors, Settings, loads
from orchestrator.fsconfig.render import render
from tests.attacks.payloads import payloads
from tests.fuzz.profile import FUZZ

EXAMPLE = yaml.safe_load(cli.example())
PAYLOADS = list(payloads(Path("/tmp/mark")).values())
ACCOUNT = {"sid": "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "name": "main"}


def keys_of(data: object) -> set[str]:
    if isinstance(data, dict):
        return {str(key) for key in data}.union(*map(keys_of, data.values())) if data else set()
    return set().union(*map(keys_of, data)) if isinstance(data, list) else set()


KEYS = sorted(
    keys_of(EXAMPLE)
    | {"freeswitch", "nodes", "profiles", "trunks", "sip", "numbers", "profile_patterns", "name", "account"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(
        [*PAYLOADS, "1e999", "-0", "0x10", "2026-01-01", "~", "!!python/object", "$HOME", "${X}", "file:/etc"]
    ),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), SCALARS), inner, max_size=4),
    ),
    max_leaves=12,
)


def read(text: str) -> Settings | None:
    try:
        return loads(text, file="f.yaml", environ={"X": "y"})
    except ConfigErrors as errors:
        found = errors.errors
    assert found
    assert all(error.message and error.file == "f.yaml" for error in found)
    return None


@FUZZ
@given(st.dictionaries(st.sampled_from(KEYS), DATA, max_size=5), st.booleans())
def test_any_structure_is_settings_or_faults(data: dict[str, object], valid: bool) -> None:
    if valid:
        data = {"accounts": [ACCOUNT]} | data
    read(yaml.safe_dump(data, allow_unicode=False))


@FUZZ
@given(st.text(max_size=200))
@example("a: &a [*a]")
@example("? [x]\n: y")
@example("{" * 5000)
@example("- " * 3000)
@example("accounts: !!python/object/apply:os.system ['touch /tmp/x']")
@example("%YAML 9.9\n---\n")
@example("a: *unknown")
@example("\0")
@example("\ud800")
@example("a: &x [1,1,1,1]\n" + "".join(f"b{n}: &x{n} [*x,*x,*x]\n" for n in range(9)))
def test_any_text_is_settings_or_faults(text: str) -> None:
    read(text)


def replaced(data: object, at: int, value: object) -> object:
    """`data` with its `at`-th part, counted in depth, replaced."""
    count = -1

    def walk(part: object) -> object:
        nonlocal count
        count += 1
        if count == at:
            return value
        if isinstance(part, dict):
            return {key: walk(inner) for key, inner in part.items()}
        return [walk(inner) for inner in part] if isinstance(part, list) else part

    return walk(data)


@FUZZ
@given(st.integers(0, 150), DATA)
def test_the_example_with_one_part_exchanged_is_settings_or_faults(at: int, value: object) -> None:
    changed = replaced(EXAMPLE, at, value)
    settings = read(yaml.safe_dump(changed))
    if settings is not None:
        for content in render(settings).values():
            etree.fromstring(content.encode())


SAFE = st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=20))


@FUZZ
@given(SAFE, SAFE, SAFE)
def test_the_configuration_rendered_for_freeswitch_is_one_xml_document(
    password: str, sound: str, name: str
) -> None:
    """SYMPTOM `orchestrator render` ended with a traceback for a name with `"\\x1f"` in it. CAUSE no XML
    can hold it. FIX no setting can either."""
    data = {
        "accounts": [ACCOUNT],
        "trunks": {"carrier": {"proxy": "sip.example.com", "username": name, "password": password}},
        "profiles": {"default": {"caller_id_name": name, "sounds": {"muted": sound}}},
    }
    settings = read(yaml.safe_dump(data))
    if settings is None:
        return
    for content in render(settings).values():
        etree.fromstring(content.encode())
        # Filled in by FreeSWITCH before it is XML, wherever it stands; and its directives are lines.
        assert "$${" not in content
        assert content.count("<X-PRE-PROCESS") == 0
