"""Facet's analytics service."""
