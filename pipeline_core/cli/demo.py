"""``astep demo``: a raw night with known truth, to try the program and to test it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.cli.stopping import stoppable
from pipeline_core.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Make a demo night in a new or empty folder."""
    folder = arguments.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"cannot make a demo night in {folder}",
            "it exists and is not empty",
            "name a new folder, or remove it first",
        )
    size = arguments.size if arguments.size is not None else 1024
    if not 256 <= size <= 4096:
        raise UsageError(f"cannot make frames of {size} px", "demo frames have 256 to 4096 px", "choose another --size")
    fwhm = arguments.fwhm if arguments.fwhm is not None else 2.5
    if not 1.3 <= fwhm <= 6:
        raise UsageError(f"cannot make stars of {fwhm} px", "demo stars have 1.3 to 6 px", "choose another --fwhm")
    from pipeline_core.demo.night import make_demo_night  # noqa: PLC0415 - after the options are known to be sound
    from pipeline_core.demo.real_sky import FIELD_ARCMIN  # noqa: PLC0415
    from pipeline_core.demo.unfinished import under_its_name_when_whole  # noqa: PLC0415

    # The telescope's whole field unless a scale is named: fewer pixels are larger ones, and a solver knows the field.
    scale = arguments.scale if arguments.scale is not None else round(60.0 * FIELD_ARCMIN / size, 4)

    chosen = {"n_science": arguments.frames} if arguments.frames is not None else {}
    with under_its_name_when_whole(folder) as unfinished, stoppable(talk.context()) as context:
        truth = make_demo_night(
            unfinished, size=size, seed=arguments.seed, fwhm_px=fwhm, scale_arcsec=scale, ctx=context, **chosen
        )
    talk.answer({"night": str(folder), "frames": len(truth.frames)})
    talk.say(f"a raw night of {len(truth.frames)} frames lies in {folder}; what was planted is in {folder}/truth")
    talk.say(f"next: `astep plan {folder}`, then `astep reduce {folder}`")
    return EXIT_OK
