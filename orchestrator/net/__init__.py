"""Connections to addresses that strangers name: looked up, checked, and dialled exactly as checked."""
