"""Commands: the one way down, from a client's write to the device's confirmation."""
