"""Masters as rows of the frame table: one line each, with how they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt

from astep_gui.models.frame_state import FrameState

if TYPE_CHECKING:
    from pipeline_core.survey import MasterState

STATE_ROLE = Qt.ItemDataRole.UserRole + 1
"""Asks a row, of a frame or a master, for its FrameState."""
STATES = {
    "up to date": FrameState("✓", "made", "good", "", 9),
    "changed": FrameState("▲", "to be renewed", "warn", "", 5),
    "not made": FrameState("·", "not made", "dim", "", 9),
}


def master_cell(master: MasterState, column: int, role: int) -> Any:
    """Return what a cell of a master's row says; all stands in the first, which spans the others."""
    state = STATES[master.state]
    if role == Qt.ItemDataRole.DisplayRole:
        if column:
            return ""
        if master.state != "up to date":
            return f"{state.mark} {master.name} · {state.word}"
        return f"{state.mark} {master.name}" + (f" · {len(master.frames)} frames" if master.frames else "")
    if role == Qt.ItemDataRole.ToolTipRole:
        return f"{master.product}\n{state.mark} {state.word}" + (f": {master.why}" if master.why else "")
    return state if role == STATE_ROLE else None
