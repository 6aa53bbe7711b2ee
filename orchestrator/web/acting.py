"""Requests to a part of the web site act on its behalf, in the timelines of what they change."""

from __future__ import annotations

from flask import Blueprint

from orchestrator.timeline.actor import Actor, By, act


def act_as(blueprint: Blueprint, by: By) -> None:
    """A connection's greenlet serves one request after the other: each begins and ends by itself."""
    blueprint.before_request(lambda: act(Actor(by)))
    blueprint.teardown_request(lambda error: act(None))
