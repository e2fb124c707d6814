"""The installed base."""
