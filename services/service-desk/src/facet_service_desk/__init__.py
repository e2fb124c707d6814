"""Facet's service-desk service."""
