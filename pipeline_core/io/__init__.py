"""Files: FITS in and out, headers, caches."""
