"""The tag table: the one place where a current value lives."""
