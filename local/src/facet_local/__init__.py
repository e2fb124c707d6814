"""Facet on one machine."""
