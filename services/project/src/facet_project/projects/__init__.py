"""Projects and their way from registration to their end."""
