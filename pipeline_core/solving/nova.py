"""The engine nova.astrometry.net, through astroquery: only if the recipe names it; star lists leave this machine."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.network_words import network_words
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solving.engine import EngineError, Found, took_too_long
from pipeline_core.waiting import call_within

if TYPE_CHECKING:
    from pipeline_core.events import RunContext
    from pipeline_core.science.catalogue_match import FrameStars
    from pipeline_core.solving.engine import Hint

SERVER = "https://nova.astrometry.net"
KEYRING_SERVICE = "astep-harvest"
KEYRING_NAME = "nova.astrometry.net"
_STARS = 100
_TOLD = {"log in": "it does not accept the key", "Post of job": "it did not take the job (too many requests?)"}
_QUEUE_S = 300.0  # its queue is minutes long at times, whatever the recipe says about local searches


def nova_key() -> str | None:
    """Return the key of nova.astrometry.net from the system's keyring; None where there is none."""
    if find_spec("keyring") is None:
        return None
    import keyring  # noqa: PLC0415 - asks the desktop for its keyring
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        key: str | None = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME)
    except KeyringError:
        return None  # a machine without a desktop has no keyring
    return key


def keep_nova_key(key: str) -> None:
    """Put the key into the system's keyring; never into a recipe, a log or an output.

    Raises
    ------
    EngineError
        If there is no keyring, or it refuses.
    """
    if find_spec("keyring") is None:
        raise EngineError(
            "cannot keep the key of nova.astrometry.net",
            "the package keyring is not installed",
            'pip install "astep-harvest[solve]"',
        )
    import keyring  # noqa: PLC0415 - asks the desktop for its keyring
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        keyring.set_password(KEYRING_SERVICE, KEYRING_NAME, key)
    except KeyringError as error:
        raise EngineError(
            "cannot keep the key of nova.astrometry.net", f"the system's keyring refuses: {error}", "unlock the keyring"
        ) from error


class NovaEngine:
    """Sends the star list to nova.astrometry.net and waits for its answer.

    Parameters
    ----------
    server : str
    key : str, optional
        From the keyring if absent.
    """

    name = "nova"

    def __init__(self, server: str = SERVER, key: str | None = None) -> None:
        if find_spec("astroquery") is None:
            raise EngineError(
                "cannot ask nova.astrometry.net",
                "the package astroquery is not installed",
                'pip install "astep-harvest[solve]"',
            )
        self.server = server
        self._key = key or nova_key()
        if not self._key:
            raise EngineError(
                "cannot ask nova.astrometry.net",
                "no key is in the system's keyring",
                f"make one at {SERVER}/api_help, then `keyring set {KEYRING_SERVICE} {KEYRING_NAME}`",
            )

    def solve(
        self, stars: FrameStars, shape: tuple[int, int], hint: Hint, context: RunContext, time_limit_s: float
    ) -> Found | None:
        """Return a rough solution; see :class:`~pipeline_core.solving.engine.Engine`."""
        limit = max(time_limit_s, _QUEUE_S)
        context.say(
            "nova.astrometry.net", f"{min(len(stars), _STARS)} star positions are sent; its queue may take minutes"
        )
        header = call_within(
            lambda: self._ask(stars, shape, hint, limit), limit, context, lambda: took_too_long(self.name, limit)
        )
        if not header:
            return None
        return Found(_solution(header), self.name, "nova.astrometry.net", None, None)

    def close(self) -> None:
        """Nothing keeps running between frames."""

    def _ask(self, stars: FrameStars, shape: tuple[int, int], hint: Hint, limit_s: float) -> Any:
        from astroquery import astrometry_net  # noqa: PLC0415 - heavy

        client = astrometry_net.AstrometryNetClass()
        client.URL, client.API_URL = self.server, f"{self.server}/api"
        settings: dict[str, Any] = {"publicly_visible": "n", "tweak_order": 0, "crpix_center": True}
        if hint.scale_arcsec is not None:
            low, high = hint.scale_arcsec
            settings |= {"scale_units": "arcsecperpix", "scale_type": "ul", "scale_lower": low, "scale_upper": high}
        if hint.has_position:
            settings |= {"center_ra": hint.ra_deg, "center_dec": hint.dec_deg, "radius": hint.radius_deg}
        try:
            with astrometry_net.conf.set_temp("api_key", self._key):
                return client.solve_from_source_list(
                    stars.x_px[:_STARS] + 1.0, stars.y_px[:_STARS] + 1.0, shape[1], shape[0],
                    solve_timeout=limit_s, verbose=False, **settings,
                )  # fmt: skip
        except Exception as error:
            # astroquery's own sentences; anything else may repeat what was sent.
            words = next((words for part, words in _TOLD.items() if part in str(error)), network_words(error))
            raise EngineError("nova.astrometry.net gave no answer", words, "try again later") from error


def _solution(header: Any) -> TanSip:
    try:
        matrix = np.array([[header["CD1_1"], header["CD1_2"]], [header["CD2_1"], header["CD2_2"]]], np.float64)
        place = [float(header[name]) for name in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(
            "nova.astrometry.net gave no solution", f"its header cannot be read: {error}", "try again later"
        ) from error
    return TanSip(place[0], place[1], place[2] - 1.0, place[3] - 1.0, matrix)
