"""Facet's marketing service."""
