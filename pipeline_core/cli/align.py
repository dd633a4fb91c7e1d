"""``astep align``: the frames of each pointing on one reference, by their stars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_core.align_night import NightAlignment, align_night
from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK
from pipeline_core.cli.stopping import stoppable
from pipeline_core.logbook import Logbook
from pipeline_core.name_words import counted
from pipeline_core.scan import scan_night
from pipeline_core.session import check_night, find_place, matching, recipe_of

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.session import Place


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Align a reduced night; a reference that is named is a decision of the logbook."""
    place = find_place(arguments.output)
    check_night(place)
    with stoppable(talk.context()) as context:
        if arguments.reference is not None and place.has_logbook:
            _choose(place, arguments.reference, talk)
        aligned = align_night(place, recipe_of(place, None, context), context, force=arguments.force)
    talk.answer(alignment_document(aligned))
    _show(aligned, talk)
    return EXIT_OK if aligned.references else EXIT_NOTHING_DONE


def _choose(place: Place, pattern: str, talk: Talk) -> None:
    """Decide the reference, or leave it to quality again."""
    night = scan_night(place.night, talk.context())
    with Logbook.open(place.output, place.night) as logbook:
        logbook.choose_reference(None if pattern == "auto" else matching(night.frames, [pattern])[0].path)


def alignment_document(aligned: NightAlignment) -> dict[str, Any]:
    """Return the alignment as the contract's JSON."""
    references = aligned.references
    return {
        "reference": references[0] if references else None,
        "references": list(references),
        "frames": [
            {
                "path": one.path,
                "aligned": one.aligned,
                "reference": one.reference,
                "dx_px": round(one.placement.displacement[0], 4) if one.placement else None,
                "dy_px": round(one.placement.displacement[1], 4) if one.placement else None,
                "rotation_deg": round(one.placement.rotation_deg, 5) if one.placement else None,
                "mirrored": one.placement.mirrored if one.placement else False,
                "scale": round(one.placement.scale, 7) if one.placement else None,
                "order": one.placement.order if one.placement else None,
                "stars_matched": one.placement.matched if one.placement else 0,
                "rms_px": round(one.placement.rms_px, 4) if one.placement else None,
                "on_chip": one.on_chip,
                "flux_ratio": round(one.flux_ratio, 5) if one.flux_ratio is not None else None,
                "reason": one.reason,
                "rejected": one.rejected,
            }
            for one in aligned.frames
        ],
    }


def _show(aligned: NightAlignment, talk: Talk) -> None:
    talk.table(
        ("frame", "dx px", "dy px", "turned", "stars", "rms px", ""),
        [
            (
                one.path,
                f"{one.placement.displacement[0]:+.2f}" if one.placement else "–",
                f"{one.placement.displacement[1]:+.2f}" if one.placement else "–",
                f"{one.placement.rotation_deg:+.3f}°" + (" mirrored" if one.placement.mirrored else "")
                if one.placement
                else "–",
                one.placement.matched if one.placement else "–",
                f"{one.placement.rms_px:.3f}" if one.placement else "–",
                "reference" if one.path == one.reference else one.reason or one.verdict,
            )
            for one in aligned.frames
        ],
    )
    done = [one for one in aligned.counted if one.placement is not None]
    others = [one.placement.rms_px for one in done if one.placement is not None and one.path != one.reference]
    words = f"{len(done)} of {counted(len(aligned.counted), 'frame')} aligned"
    if others:
        words += f", residual {sorted(others)[len(others) // 2]:.3f} px in the middle, {max(others):.3f} px at most"
    talk.say(words)
    if rejected := len(aligned.frames) - len(aligned.counted):
        talk.say(f"  - {counted(rejected, 'rejected frame')} {'is' if rejected == 1 else 'are'} not counted")
    hot = [one.on_chip for one in aligned.frames if one.on_chip]
    if hot:
        sources = f"{counted(sum(hot), 'source')} in {counted(len(hot), 'frame')}"
        talk.say(f"  - {sources} kept to the chip while the field moved: hot pixels, not asteroids")
    for reference in aligned.references:
        talk.say(f"reference: {reference}")
