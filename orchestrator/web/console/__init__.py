"""The console: the live view of every conference in a browser, at `/`."""
