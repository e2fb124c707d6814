"""API keys: credentials for machines, the data that the gateway owns."""
