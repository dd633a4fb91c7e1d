"""Which engines there are on this machine, in the order of preference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.solving import embedded, solve_field
from pipeline_core.solving.engine import Engine, EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline_core.config import SolveSettings


def available_engines(settings: SolveSettings) -> list[str]:
    """Return the names of the engines that could work here; nova only where the recipe names it."""
    if settings.engine == "nova":
        return ["nova"]
    here = {"astrometry": embedded.is_available(), "solve-field": solve_field.is_available()}
    return [name for name, there in here.items() if there and settings.engine in {"auto", name}]


def make_engines(settings: SolveSettings, indexes: Sequence[Path]) -> list[Engine]:
    """Make the engines that the recipe allows.

    Raises
    ------
    EngineError
        If none can work here, and why.
    """
    if settings.engine == "nova":
        from pipeline_core.solving.nova import NovaEngine  # noqa: PLC0415 - needs the network's packages

        return [NovaEngine()]
    engines: list[Engine] = []
    names = available_engines(settings)
    if "astrometry" in names and indexes:
        engines.append(embedded.EmbeddedEngine(indexes))
    if "solve-field" in names and indexes:
        engines.append(solve_field.SolveFieldEngine(indexes))
    if engines:
        return engines
    if not indexes:
        raise EngineError(
            "cannot solve without an index",
            "no index file of astrometry.net was found",
            "`astep index list` says where they are looked for, `astep index install` brings them",
        )
    raise EngineError(
        "cannot solve on this machine",
        "neither the package astrometry nor solve-field is installed (the package does not exist for Windows)",
        'pip install "astep-harvest[solve]", install astrometry.net, or set solve.engine = "nova"',
    )
