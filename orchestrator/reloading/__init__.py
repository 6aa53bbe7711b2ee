"""`orchestrator reload`, and SIGHUP: other settings while calls go on."""
