"""Persons at customers and their effective-dated affiliations."""
