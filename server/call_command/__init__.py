"""`uatwin call`, `read` and `write`: an OPC UA client of the running bridge for people at a terminal."""
