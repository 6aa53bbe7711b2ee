"""The store in a database of PostgreSQL. Imports psycopg: only where the settings name such a database."""

from psycopg import __version__

if tuple(map(int, __version__.split(".")[:2])) < (3, 2):
    # Earlier ones hold up the whole process while they wait for the server.
    raise ImportError(f"psycopg {__version__} is too old: 3.2 or later is needed")
