"""Short titles of images: of a name too long for its place, what tells the frame from all others of the night."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from pipeline_core.short_names import numbers_of, short_names

if TYPE_CHECKING:
    from collections.abc import Hashable

    from astep_gui.models.night_model import NightModel
    from pipeline_core.types import Night


class ShortTitles:
    """Knows the short names of a night's frames; they are made out when the first is asked for."""

    def __init__(self, night: NightModel) -> None:
        self._night = night
        self._names: dict[str, str] = {}
        self._are_of: Night | None = None

    def name(self, path: str) -> str:
        """Return what tells a frame from all others of the night: "SCIENCE 055"; its whole name where nothing does."""
        if self._are_of is not self._night.raw:
            self._are_of = self._night.raw
            paths = [frame.path for frame in self._night.frames]
            self._names = short_names(paths, numbers_of(paths))
        return self._names.get(path, PurePath(path).name)

    def of(self, key: Hashable, title: str) -> str:
        """Return the title of an image under its frame's short name: "SCIENCE 055 · cosmic rays removed".

        Parameters
        ----------
        key : hashable
            Of the image: what it is of, and the path of the frame.
        title : str
            Begins with the name of the file.
        """
        path = key[1] if isinstance(key, tuple) and len(key) > 1 else None
        frame = self._night.frame(path) if isinstance(path, str) else None
        return titled(key, title, self.name(frame.path), frame.name) if frame is not None else title


def titled(key: Hashable, title: str, name: str, whole: str) -> str:
    """Return an image's title with another name of its frame in it.

    Parameters
    ----------
    key : hashable
    title : str
    name, whole : str
        The short name, and the file's own.
    """
    if isinstance(key, tuple) and key[0] == "calibrated":
        return f"{name} · calibrated"
    return name + title.removeprefix(whole) if title.startswith(whole) else title
