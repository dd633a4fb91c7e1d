"""A reduced night, opened to work on what was made of it: its frames as decided, its logbook, its store."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.errors import UsageError
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.scan import scan_night
from pipeline_core.stage import remembered
from pipeline_core.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.stage import Task
    from pipeline_core.store_lines import Product
    from pipeline_core.types import Night


@dataclass(frozen=True)
class OpenedNight:
    """What :func:`opened_night` gives."""

    night: Night
    """With decisions applied."""
    logbook: Logbook
    store: Store

    def measured(self) -> dict[str, Product]:
        """Return the frames whose stars were measured, by path."""
        return {p.label: p for p in self.store.products("quality") if p.label in self.night.by_path}


def calibrated_task(product: Product) -> Task:
    """Return the task that made a calibrated frame, to ask the store about its file or to build on it."""
    from pipeline_core.stages.science import CALIBRATE  # noqa: PLC0415 - heavy

    return remembered(CALIBRATE, product.name, product.label, product.key)


@contextmanager
def opened_night(place: Place, context: RunContext) -> Iterator[OpenedNight]:
    """Scan a night, and hold its output's run lock, logbook and store meanwhile.

    Raises
    ------
    UsageError
        If nothing was reduced there.
    NightError
        If another run is writing into the output.
    """
    if not place.has_logbook:
        raise UsageError(
            f"{place.output} is no output folder", "it holds no logbook.sqlite", "run `astep reduce NIGHT` first"
        )
    night = scan_night(place.night, context)
    with (
        RunLock(place.output),
        Logbook.open(place.output, place.night) as logbook,
        Store(place.output, logbook.database) as store,
    ):
        yield OpenedNight(logbook.apply(night), logbook, store)
