"""`uatwin history`: values out of the store of a plant, and back into it."""
