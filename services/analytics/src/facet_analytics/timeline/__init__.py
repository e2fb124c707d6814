"""Timelines: what happened last with a customer, in the words of the services that told it."""
