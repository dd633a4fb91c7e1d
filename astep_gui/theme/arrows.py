"""Arrows and ticks of small controls: style sheets take them from files only, so they are written to a cache."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from PyQt6.QtCore import QStandardPaths

from pipeline_core.resources import resource_path

if TYPE_CHECKING:
    from astep_gui.theme.tokens import Theme


def arrow_files(look: Theme) -> dict[str, str]:
    """Return the paths of the theme's ``down`` and ``up`` arrows and ``tick``, with slashes as style sheets want."""
    folder = _folder()
    made = {}
    for name, source, token in (
        ("down", "chevron_down", "text"),
        ("up", "chevron_up", "text"),
        ("tick", "accept", "ground"),
    ):
        stroke = resource_path("icons", f"{source}.svg").read_text(encoding="utf-8")
        stroke = stroke.replace("currentColor", look.hex(token)).replace('stroke-width="1.7"', 'stroke-width="2.6"')
        file = folder / f"{look.name}_{name}.svg"
        if not file.is_file() or file.read_text(encoding="utf-8") != stroke:
            file.write_text(stroke, encoding="utf-8")
        made[name] = file.as_posix()
    return made


def _folder() -> Path:
    """Return a folder of ours that can be written to: the user's cache, or the temporary one where there is none."""
    cache = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
    for place in (Path(cache or gettempdir()), Path(gettempdir())):
        folder = place / "astep-harvest" / "theme"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return folder
    return Path(gettempdir())
