"""Which frames are blinked, and as what: as they were taken, or as their calibrated files hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.blink import BlinkFrame
from astep_gui.models.frame_loaders import calibrated_loader, raw_loader

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from astep_gui.models.blink_places import BlinkPlace
    from astep_gui.models.frame_images import Loader
    from astep_gui.models.night_model import NightModel


def raw_source(night: NightModel, path: str) -> tuple[Hashable, Loader]:
    """Return key and loader of a frame of the night, as it was taken."""
    frame = night.frame(path)
    assert frame is not None, "only frames of the night are shown"
    assert night.night is not None, "and there is a night"
    return ("raw", path, frame.mtime_ns), raw_loader(night.night.file(path), frame)


def calibrated_sources(night: NightModel, paths: Sequence[str]) -> dict[str, tuple[Hashable, Loader]]:
    """Return key and loader of the frames' calibrated files; of those that are there."""
    from pipeline_core.survey import calibrated_files  # noqa: PLC0415 - imports the stages

    files = calibrated_files(night.place, paths) if night.place is not None else {}
    return {
        path: (("calibrated", path, file.stat().st_mtime_ns), calibrated_loader(file, night.frame(path)))
        for path, file in files.items()
        if file.is_file()
    }


def blink_frames(
    night: NightModel,
    sources: Mapping[str, tuple[Hashable, Loader]],
    places: Mapping[str, BlinkPlace],
    badges: Mapping[str, str | None],
) -> list[BlinkFrame]:
    """Return the frames of a blink, each with its place among the others."""
    frames = []
    for path, (key, loader) in sources.items():
        frame, place = night.frame(path), places.get(path)
        assert frame is not None, "only frames of the night are shown"
        shift, turn = (place.shift, place.turn) if place is not None else (None, None)
        frames.append(BlinkFrame(key, frame.name, loader, badges[path], shift, frame.shape, turn))
    return frames


def usable(night: NightModel, paths: Sequence[str]) -> list[str]:
    """Return the frames that can be read."""
    return [path for path in paths if (frame := night.frame(path)) is not None and frame.unusable is None]
