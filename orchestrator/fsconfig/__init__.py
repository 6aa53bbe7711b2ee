"""FreeSWITCH's own files that follow from the settings, and how it takes them."""
