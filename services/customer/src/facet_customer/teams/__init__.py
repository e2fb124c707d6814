"""Account teams: who looks after which customer."""
