"""Facet's contracts as Python: everything below `facet`, `google` and `buf` is generated from proto/."""
