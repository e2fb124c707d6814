"""The service history."""
