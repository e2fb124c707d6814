"""Staff with their line, roles and grants, and who a sign-in is."""
