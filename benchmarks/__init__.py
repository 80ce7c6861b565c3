"""Benchmarks: each module here has a coroutine `run()` that yields results; `uatwin bench` prints them."""
