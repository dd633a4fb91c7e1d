"""Which frames are blinked, and as what: as they were taken, or as their calibrated files hold them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.frame_loaders import calibrated_loader, raw_loader
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

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
    """Return key and loader of the frames' calibrated files; of those that are there.

    Raises
    ------
    AstepError
        If the logbook cannot be asked where they lie.
    """
    from pipeline_core.survey import calibrated_files  # noqa: PLC0415 - imports the stages

    files = calibrated_files(night.place, paths) if night.place is not None else {}
    found: dict[str, tuple[Hashable, Loader]] = {}
    for path, file in files.items():
        with suppress(OSError):  # it is gone, or a run moves it just now
            found[path] = (("calibrated", path, file.stat().st_mtime_ns), calibrated_loader(file, night.frame(path)))
    return found


def blink_frames(
    night: NightModel,
    sources: Mapping[str, tuple[Hashable, Loader]],
    places: Mapping[str, BlinkPlace],
    badges: Mapping[str, str | None],
    name_of: Callable[[str], str],
    alone: Collection[str] = frozenset(),
) -> list[BlinkFrame]:
    """Return the frames of a blink, each with its place among the others and its short name.

    ``alone`` are those on which no other frame of their field lies.
    """
    frames = []
    for path, (key, loader) in sources.items():
        frame, place = night.frame(path), places.get(path)
        assert frame is not None, "only frames of the night are shown"
        shift, turn, angle_deg = (place.shift, place.turn, place.angle_deg) if place is not None else (None, None, 0.0)
        kin = (frame.kind, frame.filter, frame.exposure_s)
        when = f"{frame.mid_utc:%H:%M:%S} UTC" if frame.mid_utc is not None else ""
        has_stars = frame.kind in {FrameKind.SCIENCE, FrameKind.UNKNOWN}
        placed = (shift, frame.shape, turn, angle_deg)
        told = (kin, when, name_of(path), has_stars, path in alone)
        frames.append(BlinkFrame(key, frame.name, loader, badges[path], *placed, *told))
    return frames


def usable_in_time(night: NightModel, paths: Sequence[str]) -> list[str]:
    """Return the frames that can be read, in the order of time; those of unknown time last, by their names.

    The list may be sorted by anything, and frames may be chosen one by one from its end to its beginning.
    """
    frames = [frame for path in paths if (frame := night.frame(path)) is not None and frame.unusable is None]
    frames.sort(key=lambda f: (f.mid_utc is None, f.mid_utc.timestamp() if f.mid_utc is not None else 0.0, f.path))
    return [frame.path for frame in frames]
