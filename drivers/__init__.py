"""Field drivers: each turns one protocol into batches of readings and writes values back to devices."""
