"""A store beside a delivery that empties it: the fixtures of the delivery's own tests."""

from tests.callbacks.conftest import destination, office, open_office

__all__ = ["destination", "office", "open_office"]
