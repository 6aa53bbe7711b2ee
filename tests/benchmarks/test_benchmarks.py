"""Benchmarks that need no FreeSWITCH still measure, in a smaller size: the figures count for nothing here."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping

import pytest

from tests.benchmarks import NAMES

SMALL: Mapping[str, Mapping[str, object]] = {
    "decode": {"ROUNDS": 1},
    "delivery": {"ROUNDS": 1, "MESSAGES": 20},
    "nodes": {},
    "path": {"ROUNDS": 1, "CONVERSATIONS": 2},
    "timeline": {"ROUNDS": 1, "CONVERSATIONS": 2},
}
WITH_CONTENDERS = ("decode", "delivery")
OPTIONS = ["--rounds", "1", "--seconds", "1", "--rate", "10", "--most", "10"]


@pytest.mark.parametrize("name", SMALL)
def test_it_measures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in WITH_CONTENDERS:
        pytest.importorskip("geventhttpclient", reason="the contenders of the benchmarks are not installed")
    benchmark = importlib.import_module(f"tests.benchmarks.{name}")
    assert name in NAMES
    for constant, value in SMALL[name].items():
        monkeypatch.setattr(benchmark, constant, value)
    parser = argparse.ArgumentParser()
    words: list[str] = []
    if hasattr(benchmark, "add_options"):
        benchmark.add_options(parser)
        words = OPTIONS
    figures = list(benchmark.run(parser.parse_args(words)))
    assert figures
    assert all(figure.value is None or figure.value > 0 for figure in figures)
