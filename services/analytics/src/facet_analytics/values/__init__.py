"""What accounts are worth: scores with their explanation, tiers, churn risk and the ranking of key accounts."""
