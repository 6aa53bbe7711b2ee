"""Conferences: a pure state machine for each, and the live ones that it decides about."""
