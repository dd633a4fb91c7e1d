"""Where the images of frames come from: raw files, calibrated files, masters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from astep_gui.models.frame_images import Loaded, Loader
from astep_gui.models.header_facts import header_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_core.types import Frame


def raw_loader(file: Path, frame: Frame | None = None, title: str | None = None) -> Loader:
    """Return what reads a raw frame.

    Parameters
    ----------
    file : Path
    frame : Frame, optional
        What the scan understood of it: saturation, pixel scale.
    title : str, optional
        The file's name unless given.
    """

    def load() -> Loaded:
        from pipeline_core.io.fits_file import read_image, read_layout  # noqa: PLC0415 - astropy after the first paint

        header, layout, _ = read_layout(file)
        scale = frame.pixel_scale_arcsec if frame is not None else None
        saturation = frame.saturation_adu if frame is not None else None
        return Loaded(
            title or file.name,
            read_image(file, layout),
            "adu",
            facts=header_facts(header, pixel_scale_arcsec=scale),
            saturation=saturation,
            unlit=(frame.overscan,) if frame is not None and frame.overscan is not None else (),
        )

    return load


def full_loader(file: Path, frame: Frame, level_adu: float, tell: Callable[[tuple[float, float]], None]) -> Loader:
    """Return what reads a raw frame with the pixels from a level on marked as saturated.

    Parameters
    ----------
    file : Path
    frame : Frame
    level_adu : float
    tell : callable
        Told where most of them lie together (x, y; 0-based px), before the image is there.
    """
    raw = raw_loader(file, frame)

    def load() -> Loaded:
        from pipeline_core.science.full_well import fullest_place  # noqa: PLC0415 - after the first paint
        from pipeline_core.science.pixel_mask import saturated_bits  # noqa: PLC0415

        loaded = raw()
        if (place := fullest_place(loaded.image, level_adu)) is not None:
            tell(place)
        return replace(loaded, mask=saturated_bits(loaded.image, level_adu, grow=False), shows_mask=True)

    return load


def calibrated_loader(file: Path, frame: Frame | None = None, title: str | None = None) -> Loader:
    """Return what reads a calibrated frame with its mask."""

    def load() -> Loaded:
        from pipeline_core.io.calibrated_file import read_calibrated  # noqa: PLC0415 - astropy after the first paint

        read = read_calibrated(file)
        scale = frame.pixel_scale_arcsec if frame is not None else None
        unit = str(read.header.get("BUNIT", "adu"))
        told = read.header.get("SATURATE")
        saturation = float(told) if isinstance(told, int | float) else None
        facts = header_facts(read.header, pixel_scale_arcsec=scale)
        return Loaded(title or file.name, read.image, unit, read.mask, facts, saturation)

    return load
