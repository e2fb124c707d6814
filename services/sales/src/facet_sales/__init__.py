"""Facet's sales service."""
