"""The CoAP driver."""
