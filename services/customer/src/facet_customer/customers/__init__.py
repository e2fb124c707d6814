"""The party master: customers, their life with the enterprise and their owners."""
