"""How a frame stands on the sky, in words with ways out; no widgets here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astep_gui.models.window_words import in_window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline_core.align_night import FrameAlignment
    from pipeline_core.science.depth import Depth
    from pipeline_core.sky_state import NightSky
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.types import Frame

COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, slots=True)
class Way:
    """A way out, one click away."""

    deed: str
    """"solve", "hint", "index", "catalogue", "reduce", "nova_key" or "plain" (take the hints back)."""
    words: str


SOLVE = Way("solve", "Solve this frame")
_NOT_REPORTABLE = "solved, not for reporting"
AGAIN = Way("solve", "Solve again")
HINT = Way("hint", "Solve with hints…")
INDEX = Way("index", "Get an index…")
REDUCE = Way("reduce", "Reduce night")
CATALOGUE = Way("catalogue", "Fetch Gaia's stars")
NOVA_KEY = Way("nova_key", "Enter the key…")


@dataclass(frozen=True, slots=True)
class SkyStatus:
    """The one thing that matters most about a frame's place on the sky."""

    mark: str
    word: str
    tone: str
    """A colour token of the theme."""
    why: str = ""
    ways: tuple[Way, ...] = ()
    rank: int = 0
    """For sorting: what needs a person first."""
    short: str = ""
    """For a narrow column."""


def _name(path: str | None) -> str:
    return (path or "").rpartition("/")[2]


def sky_status(frame: Frame | None, sky: NightSky, named: Callable[[str], str] = _name) -> SkyStatus:
    """Say how a frame stands on the sky, why, and what can be done.

    Parameters
    ----------
    frame : Frame or None
    sky : NightSky
    named : callable
        Path → what another frame is called.
    """
    if frame is None or frame.kind.value != "science":
        why = "choose a frame" if frame is None else f"a {frame.kind.value} frame shows none"
        return SkyStatus("·", "no sky", "dim", why, rank=9)
    path = frame.path
    if path not in sky.calibrated:
        why = frame.unusable or "only calibrated frames are solved and aligned: reduce the night first"
        return SkyStatus("·", "not reduced", "dim", why, () if frame.unusable else (REDUCE,), 5, "–")
    solved = sky.solutions.get(path)
    status = _searched(path, solved, sky, named)
    return _with_old_hints(status, path, sky) if solved is not None and sky.has_other_hints(path) else status


def _searched(path: str, solved: FrameSolution | None, sky: NightSky, named: Callable[[str], str]) -> SkyStatus:
    one = sky.alignment.by_path.get(path) if sky.alignment is not None else None
    if solved is not None and solved.solution is not None:
        status = _solved(solved, sky)
        lost = f"; not aligned: {one.reason}" if one is not None and one.reason else ""
        return replace(status, why=status.why + lost)
    if one is not None and one.aligned:
        return _aligned(one, solved, sky, named)
    if solved is None and one is not None and one.reason:
        why, ways = _not_searched(path, sky, "nobody has looked where it points")
        return SkyStatus("▲", "not aligned", "warn", f"{one.reason}; {why}", ways, 2, "not aligned")
    if solved is None:
        why, ways = _not_searched(path, sky, "nobody has looked where it points")
        return SkyStatus("·", "not solved yet", "dim", why, ways, 4, "–")
    why = in_window(solved.reason or "no reason is known")
    if one is not None and one.reason:
        why = f"{why}. Not aligned either: {one.reason}"
    return SkyStatus("✕", "not solved", "bad", why, ways_out(solved.reason), 1, "not solved")


def _with_old_hints(status: SkyStatus, path: str, sky: NightSky) -> SkyStatus:
    """Say that hints were set, changed or taken back since the frame was searched, and offer to search again."""
    now, then = sky.hints.get(path), sky.searched_with[path]
    what = "hints were set since" if now and not then else "its hints were changed since" if now else (
        "it was found with hints that were taken back since" if status.mark == "✓" else
        "it was searched with hints that were taken back since"
    )  # fmt: skip
    why = f"{status.why}; {what}" if status.why else what
    ways = (AGAIN, *(way for way in status.ways if way.deed != AGAIN.deed))
    tone = "warn" if status.tone == "good" else status.tone
    return replace(status, mark="▲" if status.mark == "✓" else status.mark, tone=tone, why=why, ways=ways, rank=2)


def _not_searched(path: str, sky: NightSky, otherwise: str) -> tuple[str, tuple[Way, ...]]:
    """Say why nobody has looked where a frame points, and what can be done: what the results say of the last run."""
    if sky.hints.get(path):
        return "it has hints now, and was not tried with them yet", (SOLVE, HINT)
    if not sky.why_none:
        return otherwise, (SOLVE, HINT)
    return in_window(sky.why_none), tuple(SOLVE if way == AGAIN else way for way in ways_out(sky.why_none))


def _aligned(
    one: FrameAlignment, solved: FrameSolution | None, sky: NightSky, named: Callable[[str], str]
) -> SkyStatus:
    base = sky.base_of(one.path)
    if solved is not None:
        reason, ways = in_window(solved.reason or "no reason is known"), ways_out(solved.reason)
    else:
        reason, ways = _not_searched(one.path, sky, "not tried yet")
    if one.path in sky.alone:
        return SkyStatus("◇", "alone in its field, not solved", "warn", f"not solved: {reason}", ways, 3, "alone")
    not_itself = f"not solved itself: {reason}"
    if base is not None:
        why = f"its place comes through {named(base)}, which is solved; {not_itself}"
    elif one.reference == one.path:
        why = f"the reference of its pointing, no frame of which is solved; {not_itself}"
    else:
        why = f"lies on {named(one.reference or '')}; no frame there is solved; {not_itself}"
    return SkyStatus("◇", "aligned, not solved", "warn", why, ways, 3, "aligned")


def _solved(solved: FrameSolution, sky: NightSky) -> SkyStatus:
    hint = sky.hints.get(solved.path)
    ways = (AGAIN, HINT, Way("plain", "Take hints back")) if hint else (AGAIN, HINT)
    notes = "; ".join(note.removesuffix(f": {_NOT_REPORTABLE}") for note in solved.notes)
    rms = f"{solved.rms_arcsec:.2f}″" if solved.rms_arcsec is not None else ""
    if solved.reportable:
        return SkyStatus("✓", "solved", "good", notes or "may be reported", ways, 8, f"✓ {rms}".strip())
    return SkyStatus("✓", _NOT_REPORTABLE, "warn", notes or "its reference is too coarse", ways, 7, f"✓ {rms}".strip())


def ways_out(reason: str | None) -> tuple[Way, ...]:
    """Return what can be done against a reason why a frame is not solved, the most promising first."""
    low = (reason or "").lower()
    if "keyring" in low:
        return (NOVA_KEY, AGAIN)
    ways = _ways_by_reason(low)
    return (*ways, CATALOGUE) if "catalogue fetch" in low else ways


def _ways_by_reason(low: str) -> tuple[Way, ...]:
    if "wants an index" in low or "no index" in low or "without an index" in low:
        return (INDEX, HINT, AGAIN)
    if "stars were found" in low:  # cloud: no hint brings stars
        return (AGAIN, HINT)
    return (HINT, AGAIN, INDEX)


def facts(
    solved: FrameSolution | None,
    depth: Depth | None = None,
    one: FrameAlignment | None = None,
    named: Callable[[str], str] = _name,
) -> list[tuple[str, str, str]]:
    """Return what is known of a frame's place: name, value, and what it means.

    Parameters
    ----------
    solved : FrameSolution or None
    depth : Depth or None
        Zero point and limit.
    one : FrameAlignment or None
        Where it lies on its reference.
    named : callable
        Path → what another frame is called.
    """
    lines: list[tuple[str, str, str]] = []
    if solved is not None and solved.solution is not None:
        from pipeline_core.science.tangent import sexagesimal  # noqa: PLC0415 - the only use

        scale = solved.solution.scale_arcsec
        if solved.ra_deg is not None and solved.dec_deg is not None:
            ra, dec = sexagesimal(solved.ra_deg, solved.dec_deg)
            lines.append(("Centre", f"{ra}  {dec.replace('-', '−')}", "right ascension and declination, ICRS"))
        lines.append(("Scale", f"{scale:.4f} ″/px", "side of a pixel at the middle"))
        turn = solved.solution.rotation_deg
        words = "N up, E left" if solved.solution.parity == 1 else "mirrored"
        lines.append(("Rotation", f"{turn:+.2f}°  {words}".replace("-", "−"), "north from up, counter-clockwise"))
        lines.append(("Reference", solved.reference or "", f"found by {_found_by(solved)}"))
        lines.append(
            ("Matched", f"{solved.stars_matched} of {solved.stars_found} stars",
             "stars with a partner in the catalogue, of those measured")
        )  # fmt: skip
        if solved.rms_arcsec is not None:
            own = f"; one sigma of the solution itself: {solved.error_arcsec:.3f}″" if solved.error_arcsec else ""
            words = f"{solved.rms_arcsec:.3f}″ · {solved.rms_arcsec / scale:.3f} px"
            lines.append(("Residual rms", words, f"of one axis of the matched stars{own}"))
    if one is not None and one.placement is not None:
        lines += _placed(one, named)
    if depth is not None:
        about = " (rough)" if depth.is_rough else ""
        tip = f"of 1 e⁻ a second, ± {depth.zero_point_error_mag:.3f}, from {depth.stars} stars of {depth.reference}"
        band = depth.band.removeprefix("MAG_")  # what an index calls the column of its magnitudes
        lines.append(("Zero point", f"{depth.zero_point_mag:.2f} mag {band}{about}".replace("  ", " "), tip))
        if depth.limiting_mag is not None:
            lines.append(("Limit", f"{depth.limiting_mag:.2f} mag", "a star at five sigma"))
        if depth.sky_mag_arcsec2 is not None:
            lines.append(("Sky", f"{depth.sky_mag_arcsec2:.2f} mag/arcsec²", "brightness of the sky"))
    return lines


def _placed(one: FrameAlignment, named: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """Say how a frame lies on its reference."""
    placement = one.placement
    assert placement is not None, "asked of aligned frames only"
    if one.reference == one.path:
        return [("Aligned to", "itself: the reference", "the frame that others are placed on")]
    dx, dy = placement.displacement
    moved = f"{_signed(dx, 2)} {_signed(dy, 2)} px · {_signed(placement.rotation_deg, 3)}°"
    good = f"rms {placement.rms_px:.3f} px of {placement.matched} stars"
    still = (
        [
            (
                "On the chip",
                f"{one.on_chip} source{'s' if one.on_chip != 1 else ''}",
                "kept to the chip while the field moved: hot pixels, not asteroids",
            )
        ]
        if one.on_chip
        else []
    )
    return [
        ("Aligned to", named(one.reference or "").partition(".fit")[0], f"the reference of its pointing; {good}"),
        ("Moved by", moved + (" mirrored" if placement.mirrored else ""), f"shift of the middle, and turn; {good}"),
        ("Aligned rms", f"{placement.rms_px:.3f} px · {placement.matched} stars", "of the stars that match there"),
        *still,
    ]


def _signed(value: float, digits: int) -> str:
    """Write a number with its sign; what is rounded to nothing has no minus."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def _found_by(solved: FrameSolution) -> str:
    words = {
        "hint": "its stated place", "blind": "searching the whole sky", "predicted": "prediction from the frame before",
    }.get(solved.how or "", solved.how or "")  # fmt: skip
    return words + (f" · {solved.index.partition('.')[0]}" if solved.index else "")


def source_words(solved: FrameSolution) -> str:
    """Say where a solved frame's RA and Dec come from, as the read-out does."""
    rms = f", rms {solved.rms_arcsec:.2f}″" if solved.rms_arcsec is not None else ""
    # Which file of it stands in the dock: the read-out is one line.
    return f"solved, {(solved.reference or 'unknown catalogue').partition(' (')[0]}{rms}"


def away_words(distance_deg: float, bearing_deg: float) -> str:
    """Say how far and in which direction something lies: "1.3° NE"."""
    far = f"{distance_deg:.1f}°" if distance_deg >= 1.0 else f"{60 * distance_deg:.0f}′"
    return f"{far} {COMPASS[round(bearing_deg / 45.0) % 8]}"


def night_words(sky: NightSky, rejected: Collection[str]) -> str:
    """Say how far the night is on the sky: of the frames that are reduced and kept, as the results count them.

    Parameters
    ----------
    sky : NightSky
    rejected : collection of str
        Science frames, those too that were rejected before the night was reduced.
    """
    if not sky.calibrated:
        return "Night · nothing reduced yet"
    kept = {path for path in sky.calibrated if path not in rejected}
    solved = sum(path in kept and frame.solved for path, frame in sky.solutions.items())
    placed = {one.path for one in sky.alignment.frames if one.aligned} & kept if sky.alignment is not None else set()
    words = f"Night · {solved} of {len(kept)} solved · {len(placed - sky.alone)} aligned"
    return f"{words} · {len(rejected)} rejected" if rejected else words
