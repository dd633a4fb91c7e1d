"""Where a calibrated frame lies follows its verdict and kind: ``calibrated/`` or ``rejected/``, computing nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.decision_steps import rejected_of
from pipeline_core.io.output_names import rejected_product
from pipeline_core.store import Store
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.logbook import Logbook

SCIENCE_STAGE = "science frames"
"""Name of the stage whose products have a verdict."""


def move_products(output: Path, logbook: Logbook) -> int:
    """Move each product to where its frame's verdict, and its kind, say.

    Parameters
    ----------
    output : Path
    logbook : Logbook

    Returns
    -------
    int
        Products moved.
    """
    current = logbook.current()
    # A frame that is no science frame by a person's word has no calibrated one, however the old one came to be.
    aside = {path for path, fields in current.items() if fields.get("kind") not in {None, FrameKind.SCIENCE.value}}
    aside |= rejected_of(current).keys()
    moved = 0
    with Store(output, logbook.database) as store:
        for product in store.products(SCIENCE_STAGE):
            wanted = rejected_product(product.name) if product.label in aside else product.name
            if product.location != wanted:
                moved += store.move(product.name, wanted)
    return moved
