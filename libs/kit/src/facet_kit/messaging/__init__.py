"""Events between services: outbox, relay, streams, consumers, inbox, dead letters, timers."""
