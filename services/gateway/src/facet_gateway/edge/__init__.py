"""What happens to every request before and after its call: identity, limits, tracing, errors."""
