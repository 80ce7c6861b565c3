"""Scenarios: copies of twins as nodes, fed by their models instead of drivers."""
