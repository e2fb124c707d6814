"""Facts: what the events of all services told that can be counted, and the reports over it."""
