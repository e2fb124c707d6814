"""What sales contributes to the unified view."""
