"""Analytics: pure computations over arrays of values and times; no OPC UA, no sockets."""
