"""Callbacks to the application: payloads, ordered delivery, retries, signatures."""
