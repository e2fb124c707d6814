"""The way to the services: channels, breakers, health, and the translation of their errors."""
