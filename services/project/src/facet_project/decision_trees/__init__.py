"""The decision tree of a project: who takes part in the customer's decision, and how they stand to us."""
