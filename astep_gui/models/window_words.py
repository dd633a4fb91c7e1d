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
_UNITS = {
    "e_per_adu": "e⁻/ADU",
    "arcsec": "arcsec",
    "adu": "ADU",
    "mag": "mag",
    "deg": "°",
    "px": "px",
    "s": "s",
    "c": "°C",
    "e": "e⁻",
}
"""End of a field's name → its unit; the longest first."""
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


def setting_label(field: str) -> tuple[str, str]:
    """Return what a field of the recipe is called, and its unit: ("gain", "e⁻/ADU") for "gain_e_per_adu".

    The last words of a field's name are its unit, as everywhere in the program; those without one have none.
    """
    for suffix, unit in _UNITS.items():
        stem = field.removesuffix(f"_{suffix}")
        if stem != field:
            return _spelt(stem), unit
    return _spelt(field), ""


def _spelt(stem: str) -> str:
    return " ".join("FWHM" if word == "fwhm" else word for word in stem.split("_"))


def setting_words(name: str, value: object = None) -> str:
    """Return what a setting is called in its form: "Calibrate: saturation, ADU" for "calibrate.saturation_adu".

    Parameters
    ----------
    name : str
        Section and field.
    value : object, optional
        What it is set to, "" where it is not set any more: "Calibrate: saturation = 1210 ADU".
    """
    section, _, field = name.partition(".")
    stem, unit = setting_label(field)
    called = ": ".join(filter(None, (section.capitalize(), stem)))
    if value is None:
        return f"{called}, {unit}" if unit else called
    return f"{called} = not set" if value == "" else " ".join(filter(None, (f"{called} = {value}", unit)))


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
