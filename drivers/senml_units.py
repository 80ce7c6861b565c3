"""The units of SenML (RFC 8428, 12.1; RFC 8798) as the UNECE common codes that OPC UA uses."""

from __future__ import annotations

from typing import Final

UNECE: Final[dict[str, str]] = {
    "m": "MTR", "kg": "KGM", "g": "GRM", "s": "SEC", "A": "AMP", "K": "KEL", "cd": "CDL", "mol": "C34", "Hz": "HTZ",
    "rad": "C81", "sr": "D27", "N": "NEW", "Pa": "PAL", "J": "JOU", "W": "WTT", "C": "COU", "V": "VLT", "F": "FAR",
    "Ohm": "OHM", "S": "SIE", "Wb": "WEB", "T": "D33", "H": "81", "Cel": "CEL", "lm": "LUM", "lx": "LUX", "Bq": "BQL",
    "Gy": "A95", "Sv": "D13", "kat": "KAT", "m2": "MTK", "m3": "MTQ", "l": "LTR", "m/s": "MTS", "m/s2": "MSK",
    "m3/s": "MQS", "l/s": "G51", "W/m2": "D54", "cd/m2": "A24", "bit": "A99", "bit/s": "B10", "lat": "DD", "lon": "DD",
    "pH": "Q30", "dB": "2N", "count": "C62", "/": "C62", "%": "P1", "%RH": "P1", "%EL": "P1", "EL": "SEC", "1/s": "C97",
    "1/min": "C94", "beat/min": "BPM", "S/m": "D10", "B": "AD", "VA": "D46", "var": "D44", "J/m": "B12", "kg/m3": "KMQ",
    "deg": "DD", "ms": "C26", "min": "MIN", "h": "HUR", "MHz": "MHZ", "kW": "KWT", "kVA": "KVA", "kvar": "KVR",
    "Ah": "AMH", "Wh": "WHR", "kWh": "KWH", "kVAh": "C79", "GB": "E34", "Mbit/s": "E20", "B/s": "P93",
    "MB/s": "P95", "mV": "2Z", "mA": "4K", "ug/m3": "GQ", "mm/h": "H67", "m/h": "M60", "ppm": "59",
    "/100": "P1", "/1000": "NX", "hPa": "A97", "mm": "MMT", "cm": "CMT", "km": "KMT", "km/h": "KMH",
}  # fmt: skip
"""Symbols that have a common code of the same size; latitude, longitude and ratios keep their number."""
