"""Schema of the analytics service's database."""
