"""How the names of FITS files end."""

from __future__ import annotations

import re

FITS_NAME = re.compile(r"\.(fits?|fts)(\.(fz|gz|bz2))?\Z", re.IGNORECASE)
"""Matches the ending, compressed or not."""
