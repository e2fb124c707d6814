"""The go/no-go gate: definitions of weighted criteria, and the rounds in which projects are scored and decided."""
