"""Facet's gateway service."""
