"""Tickets, their service clocks and their comments."""
