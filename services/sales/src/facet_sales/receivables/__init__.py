"""Invoices, payments, and the age of what is open."""
