"""Rules over tags, and the alarms they raise (OPC UA Part 9)."""
