"""What the core says for the command line, said for the window: commands become the buttons that do the same."""

from __future__ import annotations

import re

WAYS = {
    "solve --scale": "“Solve with hints…”",
    "set --scale": "“Solve with hints…”",
    "set --ra": "“Solve with hints…”",
    "set kind": "“Set kind…” (K)",
    "set filter": "“Set filter…” (L)",
    "set gain_e_per_adu": "the settings (Ctrl+,)",
    "set exposure_s": "the header of the frame, or the command line's “set exposure_s”,",
    "set": "the frame's own menu",
    "index": "“Get an index…”",
    "catalogue": "“Fetch Gaia's stars”",
    "solve": "“Solve night”",
    "align": "the panel Sky (Shift+S)",
    "stack": "“Stack”",
    "reduce --only masters": "“Make the masters” (Ctrl+M)",
    "reduce": "“Reduce night” (Ctrl+R)",
    "plan": "the plan (P)",
    "scan": "the list of frames",
    "quality": "the list of frames",
    "report": "“Report” (Ctrl+P)",
    "export": "“Export”",
    "reject": "“Reject” (X)",
    "accept": "“Accept” (U)",
    "undo": "“Undo” (Ctrl+Z)",
}
"""Words of a command, the first that all stand in it → the button or place of the window that does the same."""
_COMMAND = re.compile(r"`astep ([^`]*)`")
IN_SETTINGS = " in the settings (Ctrl+,)"
_SETTING = re.compile(r"\b([a-z]+)\.([a-z]\w+)\b(?: in the recipe\b)?")
_KEYRING = re.compile(r"`keyring set [^`]*`")
_NOVA = "“Key of nova.astrometry.net…” (menu Sky) keeps it"


def in_window(words: str) -> str:
    """Return what was said with the window's own ways in the place of commands.

    Parameters
    ----------
    words : str
        A reason, warning or hint of the core.
    """
    if "`" in words:
        words = _KEYRING.sub(_NOVA, _COMMAND.sub(lambda found: _way(found.group(1)), words))
    return _SETTING.sub(_named, words) if "." in words else words


def setting_words(name: str) -> str:
    """Return what a setting is called in its form: "Calibrate: saturation adu" for "calibrate.saturation_adu"."""
    section, _, field = name.partition(".")
    return ": ".join(filter(None, (section.capitalize(), field.replace("_", " "))))


def _named(found: re.Match[str]) -> str:
    """Return the name that a setting has in its form; words that only look like one stay."""
    from pipeline_core.config import Recipe  # noqa: PLC0415 - pydantic, after the window is painted

    section, field = found.group(1), found.group(2)
    known = Recipe.model_fields.get(section)
    fields = getattr(known.annotation, "model_fields", {}) if known is not None else {}
    return f"“{setting_words(f'{section}.{field}')}”{IN_SETTINGS}" if field in fields else found.group(0)


def _way(command: str) -> str:
    """Return the window's way for a command; the command's own words where it has none."""
    said = re.split(r"[\s=]+", command)
    for words, way in WAYS.items():
        if all(word in said for word in words.split()):
            return way
    return f"the command line's “{command}”"
