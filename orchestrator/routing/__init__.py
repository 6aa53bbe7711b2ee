"""Through which trunk or address a number is called, as what caller, and within what limits."""
