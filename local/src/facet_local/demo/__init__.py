"""The demo enterprise: the same for the same seed, told to the platform through the services' own use cases."""

from facet_local.demo.load import load

__all__ = ["load"]
