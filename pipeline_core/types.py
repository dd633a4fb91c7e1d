"""What a night is made of: frames, their kinds, and where on the chip the sky is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Image = npt.NDArray[np.float32]
"""(ny, nx) pixels; the unit is the function's to say."""
Mask = npt.NDArray[np.bool_]
"""(ny, nx); what True means is the function's to say."""
Bits = npt.NDArray[np.uint8]
"""(ny, nx) of :class:`MaskBit` sums."""


class Rows(Protocol):
    """An image of which rows can be had: an array, or one that stays in its file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(ny, nx)."""

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Return some rows: (n, nx)."""


class FrameKind(StrEnum):
    """What a frame was taken for."""

    BIAS = "bias"
    DARK = "dark"
    FLAT = "flat"
    FLATDARK = "flatdark"
    SCIENCE = "science"
    OTHER = "other"
    UNKNOWN = "unknown"

    @property
    def has_filter(self) -> bool:
        """Whether light reached the chip, so that the filter matters."""
        return self not in {FrameKind.BIAS, FrameKind.DARK, FrameKind.FLATDARK}


class MaskBit:
    """Bits of the ``MASK`` plane of a calibrated frame (uint8)."""

    BAD = 1
    HOT = 2
    UNSTABLE = 4
    SATURATED = 8
    COSMIC = 16
    NO_DATA = 32

    WORDS = {1: "bad", 2: "hot", 4: "unstable", 8: "saturated", 16: "cosmic ray", 32: "no data"}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Section:
    """A rectangle of pixels, 0-based and half-open, as numpy slices it."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return (self.y1 - self.y0, self.x1 - self.x0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as an index into a (ny, nx) array."""
        return (slice(self.y0, self.y1), slice(self.x0, self.x1))

    def as_fits(self) -> str:
        """Return the section as FITS writes it: ``[x1:x2,y1:y2]``, 1-based, inclusive."""
        return f"[{self.x0 + 1}:{self.x1},{self.y0 + 1}:{self.y1}]"


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """Where and how the pixels of a file lie, so that rows can be read without reading it whole."""

    hdu: int
    """Index of the first image HDU."""
    bitpix: int
    bscale: float
    bzero: float
    compressed: bool
    """Tile-compressed (RICE, GZIP, HCOMPRESS, PLIO) inside the FITS file."""
    wrapped: bool
    """The whole file is gzip or bzip2."""
    data_offset: int | None
    """Byte offset of the first pixel in a plain file, else None."""
    blank: int | None = None

    @property
    def is_plain_uint16(self) -> bool:
        """Whether rows can be read straight from the file as unsigned 16-bit words."""
        return (
            self.data_offset is not None
            and self.bitpix == 16
            and self.bzero == 32768.0
            and self.bscale == 1.0
            and self.blank is None
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One raw file as its header, its name and the person describe it."""

    path: str
    """Relative to the night, with ``/``: the frame's identity."""
    kind: FrameKind
    size_bytes: int
    mtime_ns: int
    filter: str | None = None
    exposure_s: float | None = None
    mid_utc: datetime | None = None
    """Mid-exposure, timezone-aware UTC."""
    mid_share: float = 0.0
    """How much later that is, s, for each second that the exposure is longer: 0.5 where the header gives the start."""
    exposure_is_usual: bool = False
    """The header gives no exposure; what is usual for the instrument was taken."""
    temperature_c: float | None = None
    binning: tuple[int, int] | None = None
    """(y, x)."""
    shape: tuple[int, int] | None = None
    """(ny, nx) of the raw image, overscan included."""
    gain_e_per_adu: float | None = None
    gain_source: str | None = None
    """Where the gain came from: a header keyword's name, "profile", "person"."""
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    pedestal_adu: float = 0.0
    """Added by the camera software to every pixel (minus MaxIm's PEDESTAL card); subtract it once."""
    object: str | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    overscan: Section | None = None
    trim: Section | None = None
    pixel_scale_arcsec: float | None = None
    camera: str | None = None
    profile: str = "generic"
    """Name of the instrument profile that read the header."""
    layout: ImageLayout | None = None
    """None when the file holds no usable image."""
    problems: tuple[str, ...] = ()
    """In words a person understands; the frame may still be usable."""
    unusable: str | None = None
    """Why the frame cannot be used at all; None when it can."""
    is_master: bool = False
    """Already a combined calibration product (ours, upstream's, Siril's, AstroImageJ's)."""
    decided: tuple[str, ...] = ()
    """Of these fields those that a person changed: what the header says of them is not true."""
    mid_follows_exposure: bool = False
    """Of a decided ``mid_utc``: only the exposure was corrected, and the middle moved with it; the start stays."""

    @property
    def name(self) -> str:
        """File name without folders."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the telescope stands."""

    latitude_deg: float
    longitude_deg: float
    """East positive."""
    altitude_m: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Night:
    """A folder of raw frames."""

    root: Path
    frames: tuple[Frame, ...]
    problems: tuple[str, ...] = ()
    site: Site | None = None
    profile: str = "generic"
    by_path: dict[str, Frame] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_path", {frame.path: frame for frame in self.frames})

    def file(self, frame: Frame | str) -> Path:
        """Return the file of a frame on disk."""
        return self.root / (frame if isinstance(frame, str) else frame.path)
