"""Where a calibrated frame lies follows its verdict: ``calibrated/`` or ``rejected/``, without computing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.io.output_names import rejected_product
from pipeline_core.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.logbook import Logbook

SCIENCE_STAGE = "science frames"
"""Name of the stage whose products have a verdict."""


def move_products(output: Path, logbook: Logbook) -> int:
    """Move each product to where its frame's verdict says.

    Parameters
    ----------
    output : Path
    logbook : Logbook

    Returns
    -------
    int
        Products moved.
    """
    rejected = logbook.rejected()
    moved = 0
    with Store(output, logbook.database) as store:
        for product in store.products(SCIENCE_STAGE):
            wanted = rejected_product(product.name) if product.label in rejected else product.name
            if product.location != wanted:
                moved += store.move(product.name, wanted)
    return moved
