"""Acquisition: keeps the connections alive, polls on schedule, and lets quality follow the truth."""
