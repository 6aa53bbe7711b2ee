"""Phone numbers and SIP addresses: every spelling becomes one normal form before a rule looks at it."""
