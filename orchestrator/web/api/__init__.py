"""The REST API, shaped as Telnyx's TeXML API and understood by Twilio's clients."""
