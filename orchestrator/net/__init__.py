"""Connections to addresses that documents and clients name: looked up, checked, and dialled exactly as
checked."""
