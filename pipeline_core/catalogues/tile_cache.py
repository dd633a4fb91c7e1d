"""Catalogue stars on disk, one small file a HEALPix tile; source, release and depth are in its name."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import platformdirs

from pipeline_core.catalogues.reference import COLUMNS, ReferenceStars, Source, with_columns
from pipeline_core.io.atomic import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

NSIDE = 64
"""Tiles of 0.84 square degrees: a field of 63′ touches four or five."""
GAIA = Source("Gaia DR3", "gaia-dr3", "G", reportable=True)
GAIA_EPOCH = 2016.0
_FORMAT = 1
_STORED = {"ra_deg": "f8", "dec_deg": "f8"}  # the others need no more than single precision


def tiles_in_cone(ra_deg: float, dec_deg: float, radius_deg: float) -> list[int]:
    """Return the tiles (HEALPix, nested, ICRS) that a cone touches."""
    from astropy import units  # noqa: PLC0415 - heavy
    from astropy_healpix import HEALPix  # noqa: PLC0415

    healpix = HEALPix(nside=NSIDE, order="nested")
    found = healpix.cone_search_lonlat(ra_deg * units.deg, dec_deg * units.deg, radius_deg * units.deg)
    return sorted(int(tile) for tile in found)


def tile_centre(tile: int) -> tuple[float, float, float]:
    """Return RA and Dec of a tile's middle, degrees, and a radius that holds it whole."""
    from astropy import units  # noqa: PLC0415 - heavy
    from astropy_healpix import HEALPix  # noqa: PLC0415

    from pipeline_core.science.tan_sip import separation_deg  # noqa: PLC0415

    healpix = HEALPix(nside=NSIDE, order="nested")
    lon, lat = healpix.healpix_to_lonlat(tile)
    edge_lon, edge_lat = healpix.boundaries_lonlat(np.array([tile]), step=4)
    ra, dec = float(lon.to_value(units.deg)), float(lat.to_value(units.deg))
    far = separation_deg(ra, dec, edge_lon.to_value(units.deg).ravel(), edge_lat.to_value(units.deg).ravel())
    return ra, dec, float(far.max()) * 1.01


class TileCache:
    """Tiles of Gaia's catalogue on disk.

    Parameters
    ----------
    folder : Path, optional
        The user's cache folder if absent.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or platformdirs.user_cache_path("astep-harvest") / "catalogues"

    @property
    def is_used(self) -> bool:
        """Whether anything was ever kept here."""
        return self.folder.is_dir()

    def has(self, tile: int, faintest_mag: float) -> bool:
        """Whether a tile is there, as deep as wanted or deeper."""
        return self._file(tile, faintest_mag) is not None

    def load(self, tile: int, faintest_mag: float) -> ReferenceStars | None:
        """Return a tile's stars, None where it is not there or cannot be read (a spoilt one is fetched anew)."""
        path = self._file(tile, faintest_mag)
        if path is None:
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                columns = {name: np.asarray(stored[name], np.float64) for name in COLUMNS}
        except (OSError, MemoryError):
            return None  # it may be whole: a disk that answers badly once must not cost what took minutes to fetch
        except Exception:  # noqa: BLE001 - spoilt bytes raise whatever zip, zlib and numpy make of them
            with suppress(OSError):  # a shared folder that only others may write to
                path.unlink(missing_ok=True)
            return None
        stars = with_columns(columns, GAIA_EPOCH, GAIA)
        return stars.pick(~(stars.magnitude > faintest_mag))

    def save(self, tile: int, faintest_mag: float, stars: ReferenceStars) -> None:
        """Keep a tile's stars."""
        columns = {name: getattr(stars, name).astype(_STORED.get(name, "f4")) for name in COLUMNS}
        with atomic_file(self._name(tile, faintest_mag)) as part, part.open("wb") as file:
            np.savez_compressed(file, **columns)

    def sign(self, tile: int, faintest_mag: float) -> str:
        """Return what tells a tile that serves this depth from another state of it; empty where there is none."""
        path = self._file(tile, faintest_mag)
        try:
            return f"{path.name} {path.stat().st_mtime_ns}" if path is not None else ""
        except OSError:  # gone meanwhile
            return ""

    def size_bytes(self) -> int:
        """Return what all tiles take on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*.npz"))

    def _name(self, tile: int, faintest_mag: float) -> Path:
        folder = self.folder / GAIA.release / f"nside{NSIDE}_v{_FORMAT}"
        return folder / f"{tile:05d}_G{round(100 * faintest_mag):04d}.npz"

    def _file(self, tile: int, faintest_mag: float) -> Path | None:
        """Return the shallowest file of a tile that is deep enough."""
        folder = self._name(tile, faintest_mag).parent
        for path in sorted(folder.glob(f"{tile:05d}_G*.npz")):
            depth = re.fullmatch(r"\d+_G(\d+)\.npz", path.name)
            if depth is not None and int(depth[1]) >= round(100 * faintest_mag):
                return path
        return None
