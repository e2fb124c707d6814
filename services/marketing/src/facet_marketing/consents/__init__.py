"""What customers said about being contacted."""
