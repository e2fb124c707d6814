"""Contacts under the frequency policy."""
