"""Schema changes of the gateway's own database."""
