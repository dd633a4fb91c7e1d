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
_KEYRING = re.compile(r"`keyring set [^`]*`")
_NOVA = "“Key of nova.astrometry.net…” (menu Sky) keeps it"


def in_window(words: str) -> str:
    """Return what was said with the window's own ways in the place of commands.

    Parameters
    ----------
    words : str
        A reason, warning or hint of the core.
    """
    if "`" not in words:
        return words
    return _KEYRING.sub(_NOVA, _COMMAND.sub(lambda found: _way(found.group(1)), words))


def _way(command: str) -> str:
    """Return the window's way for a command; the command's own words where it has none."""
    said = re.split(r"[\s=]+", command)
    for words, way in WAYS.items():
        if all(word in said for word in words.split()):
            return way
    return f"the command line's “{command}”"
