"""Recordings of conferences and of calls: begun, finished, reported, and their files."""
