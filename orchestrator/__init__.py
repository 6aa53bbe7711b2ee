"""TeXML conferences on your own FreeSWITCH."""

__version__ = "0.1.0"
