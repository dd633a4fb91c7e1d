"""Saving what is shown as a picture: the whole frame in its own pixels, or the window's view of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtGui import QImageWriter
from PyQt6.QtWidgets import QFileDialog

from astep_gui.outside import show_outside
from pipeline_core.errors import NightError
from pipeline_core.short_names import stem_of

if TYPE_CHECKING:
    from PyQt6.QtGui import QImage, QPixmap

    from astep_gui.main_window import MainWindow

WHOLE = "Whole frame, pixel by pixel (*.png)"
WITH_OVERLAYS = "Whole frame with what is laid over it (*.png)"
AS_SEEN = "As seen in the window (*.png)"


def shown_as(window: MainWindow) -> str:
    """Return what is shown of the frame, in a word for a file's name: raw, calibrated, a step; a master's own name."""
    products, viewing = window.products, window.viewing
    if products.master is not None:
        return products.master.name
    if products.stack is not None:
        return "stack"
    if products.calibrated is not None or (viewing.is_blinking and viewing.blinks_calibrated):
        return "calibrated"
    steps = viewing.steps
    return f"step_{steps.chosen}" if steps.is_on else "raw"


def _as_picture(file: Path) -> Path:
    """Return a file's name with the ending of a picture: "Jason.00000055" ends with a frame's number, not with one."""
    known = {bytes(kind.data()).decode().lower() for kind in QImageWriter.supportedImageFormats()}
    return file if file.suffix.lower().removeprefix(".") in known else file.with_name(f"{file.name}.png")


def save_picture(window: MainWindow) -> None:
    """Ask where, and save the frame as a picture in the levels, stretch and colours in which it is shown.

    Notes
    -----
    The whole frame in its own pixels is what a colleague wants; the window's view, with its badge and bars, is offered
    too, and is all that there is while two frames are compared.
    """
    night, viewing = window.night, window.viewing
    if viewing.is_blinking:
        viewing.blink.pause()  # the frame that is seen is meant; while the dialog asks, it comes in its own pixels
    frame, place = night.frame(night.current), night.place
    if frame is None or place is None:
        return
    is_pair = viewing.comparing.is_on
    what = shown_as(window)
    name = what if window.products.master is not None else f"{stem_of(frame.path)}_{'compared' if is_pair else what}"
    suggested = str(place.output.parent / f"{name}.png")
    kinds = ";;".join((AS_SEEN,) if is_pair else (WHOLE, WITH_OVERLAYS, AS_SEEN))
    chosen, kind = QFileDialog.getSaveFileName(window, "Save picture", suggested, kinds)
    if not chosen:
        return
    file = _as_picture(Path(chosen))
    if file != Path(chosen) and file.exists():  # of that name the dialog did not ask
        window.show_problem(NightError(f"cannot save {file}", "it is there already", "name it whole to replace it"))
        return
    picture: QImage | QPixmap | None = viewing.picture()
    if kind != AS_SEEN and not is_pair:
        picture = viewing.view.whole(overlays=kind == WITH_OVERLAYS)
    if picture is None:
        window.log.say_passing("no picture is saved: no image is shown", "warning")
    elif picture.save(str(file)):
        size = f"{picture.width()} × {picture.height()} pixels"
        window.log.say_lasting(f"saved: {file} ({what}, {size})")
        window.log.offer("Show", f"Open {file.name}", lambda: show_outside(window, file))
    else:
        why = "the place cannot be written to"
        window.show_problem(NightError(f"cannot save {file}", why, "choose another folder"))
