"""The unified view: sections prepared by a worker, joined at read time, sliced for narrower scopes."""
