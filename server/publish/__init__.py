"""The twins for MQTT subscribers."""
