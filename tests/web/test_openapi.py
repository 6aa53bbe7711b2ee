"""The OpenAPI document is true: whatever fits it, and whatever does not, is answered as it says."""

from __future__ import annotations

import re
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis.database import DirectoryBasedExampleDatabase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.scenarios.conftest import ACCOUNT, API_KEY, House, house

__all__ = ["house"]
EXAMPLES = 8
KEPT = Path(__file__).resolve().parents[2] / ".hypothesis" / "openapi"


def _examples(operation: str) -> DirectoryBasedExampleDatabase:
    """A failure is tried again first. A directory for each operation: hypothesis knows a test by its
    function, which is the same for all."""
    return DirectoryBasedExampleDatabase(KEPT / re.sub(r"\W+", "-", operation))


@pytest.mark.only("emulator")
def test_every_operation_answers_as_described(house: House) -> None:
    assert house.orchestrator is not None
    base = f"http://127.0.0.1:{house.orchestrator.web.port}"
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    headers = {"Authorization": f"Bearer {API_KEY}"}
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=_examples(operation.label),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def run(case: schemathesis.Case) -> None:
            nonlocal asked
            case.path_parameters["account_sid"] = ACCOUNT
            response = case.call(base_url=base, headers=headers, timeout=20)
            case.validate_response(response, checks=checks)
            asked += 1

        run()
    assert asked > 50
