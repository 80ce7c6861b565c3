"""Sparkplug B 3.0 over MQTT: edge nodes with births, deaths, aliases and sequence numbers."""
