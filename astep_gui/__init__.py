"""The window of ASTEP Harvest: shows what :mod:`pipeline_core` does and lets a person decide."""
