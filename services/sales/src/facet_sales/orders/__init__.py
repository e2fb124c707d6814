"""Orders, from draft to settlement, with separated duties."""
