"""Colour maps: 256 colours from dark to bright."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

_COLOURS: dict[str, str] = {
    "grey": "000000ffffff",
    # Every eighth colour of the maps of matplotlib (public domain, CC0); between them straight lines, right to 2/255
    # (cividis 6/255).
    "viridis": (
        "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f978b"
        "1f9f8821a68527ad8131b57b3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725"
    ),
    "magma": (
        "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337db73779c23b75"
        "cf4070db476ae55064ee5b5ef4695cf9785dfb8761fd9668fea571feb47bfec287fed194fde0a1fceeb0fcfdbf"
    ),
    "inferno": (
        "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315bbc3754c63d4d"
        "d04545da4e3ce35933eb6429f1711ff67e14f98c0afb9b06fcaa0ffbba1ff9c932f5d949f2e865f3f586fcffa4"
    ),
    "cividis": (
        "00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f70737676767d7c78838179"
        "8b8778928d789a9376a29975aaa073b3a670bbad6dc3b369ccba64d4c15fddc858e6d051efd748f8df3cfee838"
    ),
    # Grey in the middle, for what a step changed: blue less, red more; equal lightness at both ends.
    "difference": "2166ac4393c392c5ded1e5f0f7f7f7fddbc7f4a582d6604db2182b",
    # Red light only, for dark-adapted eyes.
    "red": "000000ff3010",
}
COLORMAPS = ("grey", "viridis", "magma", "inferno", "cividis", "cubehelix", "difference", "red")
"""Names, in the order of the menu."""


@cache
def colormap(name: str) -> npt.NDArray[np.uint8]:
    """Return a colour map.

    Parameters
    ----------
    name : str
        One of :data:`COLORMAPS`; another gives grey.

    Returns
    -------
    (256, 3) uint8
        Red, green, blue.
    """
    if name == "cubehelix":
        return _cubehelix()
    anchors = np.frombuffer(bytes.fromhex(_COLOURS.get(name, _COLOURS["grey"])), np.uint8).reshape(-1, 3)
    at = np.linspace(0.0, 255.0, len(anchors))
    colours = np.stack([np.interp(np.arange(256), at, anchors[:, k]) for k in range(3)], axis=1)
    rounded: npt.NDArray[np.uint8] = np.rint(colours).astype(np.uint8)
    return rounded


def _cubehelix(start: float = 0.5, rotations: float = -1.5, hue: float = 1.0) -> npt.NDArray[np.uint8]:
    """Green (2011), Bull. Astr. Soc. India 39, 289: brightness rises evenly while the colour goes around."""
    part = np.linspace(0.0, 1.0, 256)
    angle = 2.0 * np.pi * (start / 3.0 + 1.0 + rotations * part)
    amplitude = hue * part * (1.0 - part) / 2.0
    mix = np.array([[-0.14861, 1.78277], [-0.29227, -0.90649], [1.97294, 0.0]])
    colours = part[:, None] + amplitude[:, None] * (np.stack([np.cos(angle), np.sin(angle)], axis=1) @ mix.T)
    rounded: npt.NDArray[np.uint8] = np.rint(255.0 * np.clip(colours, 0.0, 1.0)).astype(np.uint8)
    return rounded
