"""Models of machines, put together as the plant is, and run without touching it."""
