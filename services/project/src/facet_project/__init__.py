"""Facet's project service."""
