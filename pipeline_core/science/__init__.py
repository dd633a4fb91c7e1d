"""Pure functions on arrays and numbers: no files, no settings objects, no progress."""
