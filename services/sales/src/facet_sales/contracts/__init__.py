"""Contracts: header and parties."""
