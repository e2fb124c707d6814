"""Facet on one machine: real servers from wheels, every service as a process, demo data, the test run."""
