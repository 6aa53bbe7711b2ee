"""Rooms as pure state machines: no socket, no clock, no random number."""
