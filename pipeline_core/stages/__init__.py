"""One file a stage: what it reads, what it writes, its part of the recipe, its version."""
