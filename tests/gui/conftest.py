"""What tests of the window share: frames made up on the spot, and a watch on widgets that are left behind."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication

from astep_gui.models.frame_images import Loaded, ShownImage, shown_image
from astep_gui.models.levels import LevelsModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _no_leaked_widgets() -> Iterator[None]:
    """Fail a test that leaves a window behind."""
    app = QApplication.instance()
    before = set(map(id, QApplication.topLevelWidgets())) if app is not None else set()
    yield
    if QApplication.instance() is None:
        return
    gc.collect()
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    left = [w for w in QApplication.topLevelWidgets() if id(w) not in before and w.isVisible()]
    assert not left, f"left behind: {[type(w).__name__ for w in left]}"


def star_field(seed: int = 1, shape: tuple[int, int] = (600, 800)) -> np.ndarray:
    """Return sky of 1000 ± 20 with a star of FWHM 4 px and 4000 high at x 300, y 200."""
    rng = np.random.default_rng(seed)
    image = rng.normal(1000.0, 20.0, shape).astype(np.float32)
    y, x = np.indices(shape)
    image += 4000.0 * np.exp(-4.0 * np.log(2.0) * ((x - 300.0) ** 2 + (y - 200.0) ** 2) / 16.0).astype(np.float32)
    return image


@pytest.fixture
def make_shown() -> Callable[..., ShownImage]:
    """Return what makes a ShownImage, by default of the star field."""

    def make(key: object = "a", image: np.ndarray | None = None, **more: object) -> ShownImage:
        more.setdefault("unit", "electron")
        more.setdefault("title", f"{key}.fits")
        return shown_image(key, Loaded(image=star_field() if image is None else image, **more))

    return make


@pytest.fixture
def levels(qapp) -> LevelsModel:
    return LevelsModel()
