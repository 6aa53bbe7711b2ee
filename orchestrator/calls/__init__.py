"""One call: its documents are fetched, its verbs run, and it is handed to a room and taken back."""
