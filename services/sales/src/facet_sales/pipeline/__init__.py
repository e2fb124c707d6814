"""Pipelines, opportunities and the forecast they give."""
