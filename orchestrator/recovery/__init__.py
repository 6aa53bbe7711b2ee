"""FreeSWITCH's events to the parts that hear them, and both brought together after a restart."""
