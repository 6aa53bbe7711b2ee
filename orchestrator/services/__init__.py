"""What the REST API and the console do to conferences, calls and recordings."""
