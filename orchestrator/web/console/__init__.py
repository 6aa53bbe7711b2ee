"""The console: the live picture of every conference in a browser, at `/`."""
