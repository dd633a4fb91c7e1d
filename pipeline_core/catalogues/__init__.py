"""Reference catalogues: stars with known positions, from memory, disk, the network or an index file."""
