"""The web server: REST API, console, recordings, metrics, health."""
