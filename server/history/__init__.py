"""What was: recent batches in memory, and history."""
