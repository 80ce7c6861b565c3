"""The OPC UA Service Sets (Part 4); the only place that reaches into asyncua's internals."""
