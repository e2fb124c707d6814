"""The milestones of a project and what must be true before they are closed."""
