"""The OPC UA types of uatwin and the units of UNECE, and what loads them."""
