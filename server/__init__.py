"""uatwin's server: field devices in, digital twins out over OPC UA, commands back. Read app.py first."""
