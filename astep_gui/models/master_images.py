"""Masters and masks as images: their pixels, how well each is known, and how many frames made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from astep_gui.models.frame_images import Loaded, Loader
from pipeline_core.errors import NightError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_core.stage import Task

Part = Literal["image", "uncertainty", "used"]
PARTS: dict[Part, str] = {"image": "Master", "uncertainty": "Uncertainty", "used": "Frames used"}
"""Parts of a master, and what they are called."""


def master_loader(task: Task, output: Path, part: Part, tell: Callable[[tuple[str, ...]], None]) -> Loader:
    """Return what reads a part of a master.

    Parameters
    ----------
    task : Task
    output : Path
    part : {"image", "uncertainty", "used"}
    tell : callable
        Told what is to be known of the master, in the loading thread, before its pixels are handed over.
    """

    def load() -> Loaded:
        from pipeline_core.master_view import master_view  # noqa: PLC0415 - astropy after the first paint

        view = master_view(task, output)
        tell(view.words)
        title = view.name if part == "image" else f"{view.name} · {PARTS[part].lower()}"
        if view.kind == "mask":
            return Loaded(title, view.image, "", mask=view.image)  # type: ignore[arg-type]
        if part == "image":
            return Loaded(title, view.image, view.unit)
        pixels = view.uncertainty if part == "uncertainty" else view.n_used
        if pixels is None:
            raise NightError(f"{view.name} holds no {PARTS[part].lower()}", "it was made by another program", "")
        return Loaded(title, pixels, view.unit if part == "uncertainty" else "frames")

    return load
