"""Facet's customer service."""
