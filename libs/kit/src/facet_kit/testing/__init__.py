"""What tests of every service share: infrastructure, a harness that drives one service, builders of callers."""
