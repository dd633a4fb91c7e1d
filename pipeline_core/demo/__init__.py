"""A raw night of the telescope with everything in it known: to try the program, and to judge it."""
