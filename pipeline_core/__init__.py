"""The headless core of ASTEP Harvest: from a raw night to calibrated, quality-measured frames."""

__version__ = "0.1.0"
