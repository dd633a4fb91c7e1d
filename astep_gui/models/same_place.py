"""Where in one image lies what was pointed at in another: of another frame, or of another step of the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.trim_offset import trim_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from astep_gui.models.blink_places import BlinkPlace
    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.night_model import NightModel


class SamePlaces:
    """Answers by the measured shifts of the night; what an :class:`Inspection` knows of its frames.

    Parameters
    ----------
    night : NightModel
    places : callable
        ``places([from, to], is_trimmed=..., onto=from)``: how frames lie on one of them.
    """

    def __init__(self, night: NightModel, places: Callable[..., dict[str, BlinkPlace]]) -> None:
        self._night, self._places = night, places

    def usual_fwhm(self, shown: ShownImage) -> float | None:
        """Return the usual width of the stars of an image, px; None where nothing was measured."""
        row = self._night.rows.get(self._path(shown.key) or "")
        return row.measures.fwhm_px if row is not None else None

    def same_place(self, first: Hashable, shown: ShownImage, x: float, y: float) -> tuple[float, float] | None:
        """Return where in an image a place of the image with another key lies, 0-based px.

        Returns
        -------
        (x, y) or None
            None where it is not known how one lies on the other: nothing was measured, or one is no frame.
        """
        path, other = self._path(first), self._path(shown.key)
        if path is None or other is None:
            return None
        first_x, first_y = self._offset(path, first)
        x, y = x - first_x, y - first_y
        if path != other:
            place = self._places([path, other], is_trimmed=True, onto=path).get(other)
            if place is None:
                return None
            x, y = place.moved(x, y)
        own_x, own_y = self._offset(other, shown.key)
        return x + own_x, y + own_y

    def _path(self, key: Hashable) -> str | None:
        """Return the frame that a key of an image names."""
        path = key[1] if isinstance(key, tuple) and len(key) > 1 else None
        return path if isinstance(path, str) and self._night.frame(path) is not None else None

    def _offset(self, path: str, key: Hashable) -> tuple[int, int]:
        plan, frame = self._night.plan, self._night.frame(path)
        is_raw = not is_trimmed(key)
        return trim_offset(plan, frame) if is_raw and plan is not None and frame is not None else (0, 0)


def is_trimmed(key: Hashable) -> bool:
    """Tell by the key of an image whether it begins where the calibrated frame does."""
    if not isinstance(key, tuple):
        return False
    return key[0] == "calibrated" or (key[0] == "step" and key[2] not in {"raw", "overscan"})
