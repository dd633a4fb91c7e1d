"""Which folders are packages: found, so that none is forgotten, and ``resources/`` mapped inside one.

All else is in ``pyproject.toml``, which can either find packages or map a folder, not both.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["pipeline_core*", "astep_gui*"]), "pipeline_core._resources"],
    package_dir={"pipeline_core._resources": "resources"},
)
