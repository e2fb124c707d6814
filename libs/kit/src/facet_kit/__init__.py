"""What every Facet service shares, and nothing of any domain."""
