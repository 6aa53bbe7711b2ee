"""Everything that survives a restart, in an SQLite file behind one interface: state, callbacks, records."""
