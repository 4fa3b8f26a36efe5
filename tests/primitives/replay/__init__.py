"""What was measured, exported and replayed."""
