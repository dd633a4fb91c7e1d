"""Gaia DR3 over the network: its archive's TAP service, and VizieR's as a second way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipeline_core.catalogues.reference import ReferenceStars, with_columns
from pipeline_core.catalogues.tile_cache import GAIA, GAIA_EPOCH, NSIDE
from pipeline_core.errors import AstepError
from pipeline_core.events import RunContext
from pipeline_core.network_words import network_words
from pipeline_core.waiting import call_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

GAIA_TAP = "https://gea.esac.esa.int/tap-server/tap"
VIZIER_TAP = "https://tapvizier.cds.unistra.fr/TAPVizieR/tap"
MOST_STARS = 3000
"""Of one tile, the brightest: 300 KB in the Milky Way's plane, some minutes over a satellite link."""
CONNECT_S = 10.0
WHOLE_ANSWER_S = 600.0
_SOURCE_ID_BITS = 59  # a Gaia source_id holds the level-12 tile above bit 35; level 6 (nside 64) begins 12 bits higher
_NETWORK_HINT = "check the network, or work with what is cached (`--offline`)"


class Service(Protocol):
    """A place in the network that gives a tile's stars."""

    @property
    def name(self) -> str:
        """As a person reads it."""
        ...

    def tiles(self, tiles: Sequence[int], faintest_mag: float, context: RunContext | None) -> dict[int, ReferenceStars]:
        """Return the stars of each tile, brightest first.

        Raises
        ------
        CatalogueServiceError
            If the service does not answer, or not with stars.
        Cancelled
            If the person stopped it.
        """
        ...


class CatalogueServiceError(AstepError):
    """A catalogue service gave no stars."""


@dataclass(frozen=True)
class TapService:
    """A TAP service (IVOA Table Access Protocol) that holds Gaia DR3."""

    name: str
    url: str
    table: str
    columns: tuple[str, ...]
    """What the service calls RA, Dec, both motions, G, BP - RP, the errors of RA and Dec and of both motions."""
    identifier: str
    """What it calls Gaia's source_id."""
    quote: str = ""
    """Around names in a query."""
    connect_s: float = CONNECT_S
    whole_s: float = WHOLE_ANSWER_S

    def tile(self, tile: int, faintest_mag: float, context: RunContext | None) -> ReferenceStars:
        """Return the stars of one tile."""
        return self.tiles([tile], faintest_mag, context)[tile]

    def tiles(self, tiles: Sequence[int], faintest_mag: float, context: RunContext | None) -> dict[int, ReferenceStars]:
        """Return the stars of several tiles by one question; see :class:`Service`.

        Notes
        -----
        Of one tile the brightest :data:`MOST_STARS`; an answer that is full although it held room for as many of each,
        or that the service cut at a limit of its own, says nothing of its faint end: the tiles are asked for by halves.
        """
        most = MOST_STARS * len(tiles)
        query = self.query(tiles, faintest_mag)
        table, is_cut = call_within(
            lambda: self._ask(query, most + 1), self.whole_s, context or RunContext(), self._too_slow
        )
        if len(tiles) == 1:
            return {tiles[0]: self._stars(table)}
        if is_cut or len(table) >= most:
            half = len(tiles) // 2
            return self.tiles(tiles[:half], faintest_mag, context) | self.tiles(tiles[half:], faintest_mag, context)
        of_tile = self._tiles_of(table)
        return {tile: self._stars(table[of_tile == tile]).pick(slice(0, MOST_STARS)) for tile in tiles}

    def query(self, tiles: Sequence[int], faintest_mag: float) -> str:
        """Return the question, in ADQL; neighbouring tiles are one range of identifiers."""
        names = [*self.columns] + ([self.identifier] if len(tiles) > 1 else [])
        words = ", ".join(f"{self.quote}{name}{self.quote}" for name in names)
        identifier, magnitude = (f"{self.quote}{name}{self.quote}" for name in (self.identifier, self.columns[4]))
        ranges = [f"{identifier} BETWEEN {low} AND {high}" for low, high in source_ranges(tiles)]
        where = ranges[0] if len(ranges) == 1 else f"({' OR '.join(ranges)})"
        return (
            f"SELECT TOP {MOST_STARS * len(tiles)} {words} FROM {self.table} "  # noqa: S608 - numbers only
            f"WHERE {where} AND {magnitude} < {faintest_mag:.2f} ORDER BY {magnitude}"
        )

    def _tiles_of(self, table: Any) -> npt.NDArray[np.int64]:
        names = {str(name).lower(): name for name in table.colnames}
        try:
            identifiers = np.ma.filled(np.ma.asarray(table[names[self.identifier.lower()]]), 0).astype(np.int64)
        except KeyError:
            raise self._lacks(self.identifier) from None
        except (ValueError, TypeError) as error:
            raise self._no_numbers() from error
        return identifiers >> _shift()

    def _too_slow(self) -> CatalogueServiceError:
        return CatalogueServiceError(
            f"{self.name} gave no stars", f"no whole answer in {self.whole_s:.0f} s", _NETWORK_HINT
        )

    def _ask(self, query: str, most: int) -> tuple[Any, bool]:
        """Return the table of an answer, and whether the service had more."""
        import pyvo  # noqa: PLC0415 - comes with astroquery, heavy
        import requests  # noqa: PLC0415

        refusal: list[Exception] = []
        try:
            with requests.Session() as session:
                plain = session.request

                def patient(*words: Any, **how: Any) -> Any:
                    # pyvo sets no time limits, and reads an error page as if it were a table: its cause is kept here.
                    how["timeout"] = (self.connect_s, 6.0 * self.connect_s)
                    try:
                        response = plain(*words, **how)
                        response.raise_for_status()
                    except requests.RequestException as error:
                        refusal.append(error)
                        raise
                    return response

                session.request = patient  # type: ignore[method-assign]
                service = pyvo.dal.TAPService(self.url, session=session)
                answer = service.run_sync(query, maxrec=most)
                return answer.to_table(), answer.status[0].upper() == "OVERFLOW"
        except Exception as error:  # whatever the network or a half answer raises: another source serves
            words = network_words(refusal[0] if refusal else error)
            raise CatalogueServiceError(f"{self.name} gave no stars", words, _NETWORK_HINT) from error

    def _stars(self, table: Any) -> ReferenceStars:
        try:
            return self._understood(table)
        except (ValueError, TypeError) as error:
            raise self._no_numbers() from error

    def _no_numbers(self) -> CatalogueServiceError:
        words = "its answer holds other things than numbers"
        return CatalogueServiceError(f"{self.name} gave no stars", words, _NETWORK_HINT)

    def _lacks(self, column: str) -> CatalogueServiceError:
        words = f"its answer lacks the column {column}"
        return CatalogueServiceError(f"{self.name} gave no stars", words, _NETWORK_HINT)

    def _understood(self, table: Any) -> ReferenceStars:
        names = {str(name).lower(): name for name in table.colnames}
        missing = [column for column in self.columns if column.lower() not in names]
        if missing:
            raise self._lacks(missing[0])

        def column(name: str) -> Any:
            values = table[names[name.lower()]]
            filled = values.filled(np.nan) if hasattr(values, "filled") and values.dtype.kind == "f" else values
            return np.asarray(filled, np.float64)

        ra, dec, pm_ra, pm_dec, mag, colour, sigma_ra, sigma_dec, sigma_pm_ra, sigma_pm_dec = (
            column(name) for name in self.columns
        )
        order = np.argsort(mag, kind="stable")  # NaN last
        order = order[(np.isfinite(ra) & np.isfinite(mag) & (np.abs(dec) <= 90.0))[order]]
        sigma_pm = np.hypot(sigma_pm_ra, sigma_pm_dec) / np.sqrt(2.0)
        columns = {
            "ra_deg": ra,
            "dec_deg": dec,
            "pm_ra_mas": pm_ra,
            "pm_dec_mas": pm_dec,
            "magnitude": mag,
            "colour": colour,
            "sigma_mas": np.hypot(sigma_ra, sigma_dec) / np.sqrt(2.0),
            # Stars with two-parameter solutions have no motion: they may move as stars of their kind do.
            "sigma_pm_mas": np.where(np.isfinite(sigma_pm), sigma_pm, 10.0),
        }
        return with_columns({name: values[order] for name, values in columns.items()}, GAIA_EPOCH, GAIA)


def default_services() -> list[Service]:
    """Return Gaia's archive, then VizieR; none where the packages they need are not installed."""
    from importlib.util import find_spec  # noqa: PLC0415 - the only use

    if find_spec("pyvo") is None:
        return []
    return [gaia_archive(), vizier()]


def gaia_archive(url: str = GAIA_TAP, **times: Any) -> TapService:
    """Return the archive at ESAC."""
    columns = (
        "ra", "dec", "pmra", "pmdec", "phot_g_mean_mag", "bp_rp", "ra_error", "dec_error", "pmra_error", "pmdec_error",
    )  # fmt: skip
    return TapService("Gaia's archive", url, "gaiadr3.gaia_source", columns, "source_id", **times)


def vizier(url: str = VIZIER_TAP, **times: Any) -> TapService:
    """Return VizieR's copy, at Strasbourg."""
    columns = ("RA_ICRS", "DE_ICRS", "pmRA", "pmDE", "Gmag", "BP-RP", "e_RA_ICRS", "e_DE_ICRS", "e_pmRA", "e_pmDE")
    return TapService("VizieR", url, '"I/355/gaiadr3"', columns, "Source", '"', **times)


def source_ids(tile: int) -> tuple[int, int]:
    """Return the lowest and highest source_id of a tile: the identifiers are numbered by HEALPix tile.

    Notes
    -----
    source_id = level-12 nested tile × 2³⁵ + running number (Gaia DR3 documentation, section 20.1.1).
    """
    return tile << _shift(), ((tile + 1) << _shift()) - 1


def source_ranges(tiles: Sequence[int]) -> list[tuple[int, int]]:
    """Return ranges of source_id that hold these tiles; those that follow each other are one."""
    ranges: list[tuple[int, int]] = []
    for tile in sorted(tiles):
        low, high = source_ids(tile)
        if ranges and ranges[-1][1] + 1 == low:
            ranges[-1] = ranges[-1][0], high
        else:
            ranges.append((low, high))
    return ranges


def _shift() -> int:
    return _SOURCE_ID_BITS - 2 * int(np.log2(NSIDE))
