"""Everything that survives a restart, in one SQLite file: state, the outbox of callbacks, records,
retention."""
