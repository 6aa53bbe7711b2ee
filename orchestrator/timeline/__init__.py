"""The timeline of each call and conference: recorded, bounded, without secrets, in sentences."""
