"""Departments and regions: the two trees that records and staff belong to."""
