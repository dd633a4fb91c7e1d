"""Science frames: raw file and masters in, one calibrated file out."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pipeline_core import __version__
from pipeline_core.io.ascii_words import ascii_words
from pipeline_core.io.calibrated_file import science_header, write_calibrated
from pipeline_core.io.fits_file import read_image, read_layout
from pipeline_core.io.masters_file import stored_master
from pipeline_core.science.frame_cosmic import CosmicChoices
from pipeline_core.science.frame_steps import NO_COSMIC, NO_OVERSCAN, idle_notes
from pipeline_core.science.reduction import FrameFacts, Masters, Reduced, reduce_frame
from pipeline_core.stage import Made, Stage
from pipeline_core.types import Frame, ImageLayout, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from astropy.io import fits

    from pipeline_core.science.frame_steps import Observe
    from pipeline_core.types import Rows


def facts_of(settings: Mapping[str, Any]) -> FrameFacts:
    """Read the frame's facts from a task's settings."""
    overscan, trim = settings["overscan"], settings["trim"]
    return FrameFacts(
        gain_e_per_adu=settings["gain_e_per_adu"],
        read_noise_e=settings["read_noise_e"],
        saturation_adu=settings["saturation_adu"],
        pedestal_adu=settings["pedestal_adu"],
        overscan=Section(*overscan) if overscan else None,
        overscan_order=settings["overscan_order"],
        trim=Section(*trim) if trim else None,
        grow_bleeding=settings["grow_bleeding"],
    )


@contextmanager
def masters_of(settings: Mapping[str, Any], inputs: Mapping[str, Path]) -> Iterator[Masters]:
    """Open the masters a frame needs; they stay in their files, and rows of them are read."""
    wants_uncertainty = settings["uncertainty"]
    with ExitStack() as files:

        def rows_of(kind: str) -> tuple[Rows | None, Rows | None]:
            if kind not in inputs:
                return None, None
            master = files.enter_context(stored_master(inputs[kind], with_uncertainty=wants_uncertainty))
            return master.image, master.uncertainty

        (bias, of_bias), (dark, of_dark), (flat, of_flat) = (rows_of(kind) for kind in ("bias", "dark", "flat"))
        yield Masters(
            bias=bias,
            dark=dark,
            dark_scale=settings["dark_scale"],
            flat=flat,
            mask=rows_of("mask")[0],
            bias_uncertainty=of_bias,
            dark_uncertainty=of_dark,
            flat_uncertainty=of_flat,
            flat_floor=settings["flat_floor"],
            warm=rows_of("warm")[0],
            warm_scale=settings["warm_scale"],
            unwanted=tuple(settings.get("unwanted", ())),
        )


def reduce_file(
    settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int = 1, observe: Observe | None = None
) -> Reduced:
    """Read and calibrate one raw file, as the run does it and as the window shows it step by step."""
    cosmic = settings["cosmic"]
    with masters_of(settings, inputs) as masters:
        return reduce_frame(
            # Not kept here: the raw frame can go as soon as it is calibrated.
            read_image(inputs["raw"], ImageLayout(**settings["layout"])),
            facts_of(settings),
            masters,
            CosmicChoices(**cosmic) if cosmic else None,
            uncertainty=settings["uncertainty"],
            threads=threads,
            observe=observe,
        )


def make_calibrated(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Calibrate one science frame into ``out``.

    Parameters
    ----------
    settings : mapping
        ``layout``, ``overscan``, ``overscan_order``, ``trim``, ``pedestal_adu``, ``gain_e_per_adu``, ``gain_source``,
        ``read_noise_e``, ``saturation_adu``, ``grow_bleeding``, ``dark_scale``, ``warm_scale``, ``flat_floor``,
        ``uncertainty``, ``compress``, ``cosmic`` (None or the fields of :class:`CosmicChoices`), ``equation``,
        ``masters`` (name → [name, key]), ``frame`` (exposure, filter and mid-time to write, and what a person
        decided), ``recipe_key``, and ``unwanted`` where a person chose to go without a kind of master.
    inputs : mapping
        ``raw`` and, where they serve, ``bias``, ``dark``, ``flat``, ``mask``; ``warm`` is a dark of another exposure
        that only tells hot pixels from cosmic rays.
    out : Path
    threads : int
    """
    reduced = reduce_file(settings, inputs, threads)
    raw_header, _, _ = read_layout(inputs["raw"])
    trim = settings["trim"]
    header = science_header(raw_header, frame_from(settings["frame"]), Section(*trim) if trim else None)
    _record(header, settings, reduced)
    write_calibrated(
        out,
        reduced.image,
        reduced.mask,
        reduced.uncertainty,
        header,
        unit=reduced.unit,
        compress=settings["compress"],
    )
    return reduced.made


CALIBRATE = Stage("science frames", 6, make_calibrated)


def steps_done(settings: Mapping[str, Any]) -> dict[str, str]:
    """Say of each step of a frame calibrated with these settings why it did nothing; empty where it did its work."""
    between = idle_notes(
        is_trimmed=bool(settings["trim"] or settings["pedestal_adu"]),
        masters=settings["masters"],
        dark_scale=settings["dark_scale"],
        has_gain=settings["gain_e_per_adu"] is not None,
        unwanted=settings.get("unwanted", ()),
    )
    overscan = "" if settings["overscan"] else NO_OVERSCAN
    cosmic = "" if settings["cosmic"] else NO_COSMIC
    return {"raw": "", "overscan": overscan, **between, "mask": "", "cosmic": cosmic}


def frame_from(facts: Mapping[str, Any]) -> Frame:
    """Rebuild the part of a frame that a header wants."""
    from datetime import datetime  # noqa: PLC0415 - the only use

    from pipeline_core.types import FrameKind  # noqa: PLC0415

    mid = facts["mid_utc"]
    return Frame(
        path=facts["path"],
        kind=FrameKind.SCIENCE,
        size_bytes=0,
        mtime_ns=0,
        filter=facts["filter"],
        exposure_s=facts["exposure_s"],
        mid_utc=datetime.fromisoformat(mid) if mid else None,
        temperature_c=facts.get("temperature_c"),
        decided=tuple(facts.get("decided", ())),
        mid_follows_exposure=facts.get("mid_follows_exposure", False),
        exposure_is_usual=facts.get("exposure_is_usual", False),
    )


def _record(header: fits.Header, settings: Mapping[str, Any], reduced: Reduced) -> None:
    """Write what was applied, from which masters, by which version, so that the file explains itself."""
    header["CREATOR"] = (f"ASTEP Harvest {__version__}", "program that calibrated this frame")
    header["RAWFILE"] = (ascii_words(settings["frame"]["path"])[-60:], "raw frame, inside its night")
    header["CALDONE"] = (True, "calibrated: not to be calibrated again")
    header["OVSCCOR"] = (settings["overscan"] is not None, "overscan subtracted")
    header["BIASCOR"] = (
        bool(settings["masters"].get("bias") or settings["masters"].get("dark")),
        "bias removed",
    )
    header["DARKCOR"] = ("dark" in settings["masters"], "dark current removed")
    header["FLATCOR"] = ("flat" in settings["masters"], "divided by the flat")
    header["CRCOR"] = (settings["cosmic"] is not None, "cosmic rays replaced and flagged")
    if settings["dark_scale"] != 1.0:
        header["DARKSCAL"] = (settings["dark_scale"], "dark current was scaled by this")
    for kind, (name, key) in settings["masters"].items():
        header[f"MAST{kind[:4].upper()}"] = (ascii_words(name)[:60], f"master {kind}, key {key[:12]}")
    if settings["gain_e_per_adu"] is not None:
        header["GAIN"] = (1.0, "[e-/e-] the pixels are electrons")
        header["RAWGAIN"] = (settings["gain_e_per_adu"], "[e-/ADU] gain that was applied")
        header["GAINSRC"] = (ascii_words(str(settings["gain_source"]))[:60], "where the gain came from")
        with suppress(KeyError):
            del header["EGAIN"]  # it would be applied a second time
    header["RDNOISE"] = (settings["read_noise_e"], "[e-] read noise")
    if settings["saturation_adu"] is not None:
        level_adu = settings["saturation_adu"] - reduced.made["taken_off_adu"]
        header["SATURATE"] = (
            level_adu * (settings["gain_e_per_adu"] or 1.0),
            f"[{reduced.unit}] saturated pixels have this, over the flat",
        )
    if (level := reduced.made.get("overscan_level_adu")) is not None:
        header["OVSCLEV"] = (round(float(level), 3), "[ADU] overscan level subtracted, mean")
    for keyword, name, words in (
        ("NCOSMIC", "cosmic_events", "cosmic-ray hits: groups of pixels"),
        ("NHOTLEFT", "hot_leftovers", "left-overs of hot pixels, flagged hot"),
        ("CRGUARD", "protected_stars", "stars too sharp for L.A.Cosmic, protected"),
        ("CRFWHM", "cosmic_fwhm_px", "[px] star width that the cosmic-ray step saw"),
        ("CROBJLIM", "objlim", "contrast limit of the cosmic-ray step"),
    ):
        if reduced.made.get(name) is not None:
            header[keyword] = (reduced.made[name], words)
    header["RECIPE"] = (settings["recipe_key"], "key of the recipe; see recipe.toml")
    header.add_history(ascii_words(f"ASTEP Harvest: {settings['equation']}"))
