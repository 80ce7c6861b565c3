"""The plant file: YAML to a checked, resolved plant."""
