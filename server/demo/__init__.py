"""The demo plant: simulated physics behind real sockets."""
