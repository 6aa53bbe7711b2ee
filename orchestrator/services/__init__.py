"""Commands of the REST API and the console: conferences, calls and recordings."""
