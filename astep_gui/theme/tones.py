"""Small grey pictures (keogram, stamps, thumbnails) in the tones of the theme: under red light nothing may be white."""

from __future__ import annotations

from functools import cache

from PyQt6.QtGui import QImage, qRgb

from astep_gui.theme.apply import theme


def tones() -> list[int]:
    """Return 256 colours from dark to bright, as pictures of the theme have them."""
    return list(_tones(theme().colormap))


def toned(picture: QImage) -> QImage:
    """Return a grey picture (``Format_Grayscale8``) in the tones of the theme; itself where those are grey."""
    if theme().colormap == "grey":
        return picture
    rows = bytes(picture.constBits().asarray(picture.sizeInBytes()))  # type: ignore[union-attr]
    size = (picture.width(), picture.height(), picture.bytesPerLine())
    dressed = QImage(rows, *size, QImage.Format.Format_Indexed8).copy()
    dressed.setColorTable(tones())
    return dressed


@cache
def _tones(name: str) -> tuple[int, ...]:
    from pipeline_core.science.colormaps import colormap  # noqa: PLC0415 - numpy, after the window is painted

    return tuple(qRgb(*map(int, colour)) for colour in colormap(name))
