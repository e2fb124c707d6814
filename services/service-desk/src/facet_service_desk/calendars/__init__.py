"""Working calendars and the service levels that are counted on them."""
