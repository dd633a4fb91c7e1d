"""Which frames the list shows: what a search and chosen states leave, and selected ones that fit no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.frame_search import search_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from astep_gui.models.frame_search import Wanted
    from astep_gui.models.moment_states import MomentStates
    from astep_gui.models.night_model import NightModel
    from pipeline_core.types import Frame


class FrameFilter:
    """Says of each frame of the night whether it stands in the list."""

    def __init__(self, night: NightModel, states: MomentStates) -> None:
        self._night = night
        self._states = states
        self.words = ""
        self._wanted: Wanted | None = None
        self.shown_states: frozenset[str] = frozenset()
        """Only frames in these states (words or marks); empty for all."""
        self.held: frozenset[str] = frozenset()
        """Frames that fit no more and stay: selected ones until another is, all while one points there."""

    @property
    def is_on(self) -> bool:
        """Whether it may leave frames out."""
        return self._wanted is not None or bool(self.shown_states)

    def search(self, words: str) -> None:
        """Look for these words from now on."""
        self.words = words
        self._wanted = search_for(words)

    def shows(self, frame: Frame) -> bool:
        """Whether a frame fits, or is held."""
        return not self.is_on or frame.path in self.held or self._fits(frame)

    def _fits(self, frame: Frame) -> bool:
        state = self._states.of(frame.path)
        if self.shown_states and self.shown_states.isdisjoint({state.word, state.mark}):
            return False
        return self._wanted is None or self._wanted(frame, self._night.rows.get(frame.path), state)

    def hold(self, shown: Collection[str], *, all_stay: bool = False) -> set[str]:
        """Hold the selected frames that are shown and fit no more, or all that are shown; return those that fit.

        A suspect that was just rejected, say, stays until another frame is selected: who goes on from it to the next
        one does not begin at the top again.
        """
        self.held = frozenset()
        fitting = {frame.path for frame in self._night.frames if self.shows(frame)}
        chosen = {*self._night.selection, self._night.current or ""}
        self.held = frozenset((set(shown) if all_stay else chosen & set(shown)) - fitting)
        return fitting

    @property
    def holds_others(self) -> bool:
        """Whether frames stay that nobody selected: they go as soon as nothing points there."""
        return bool(self.held - {*self._night.selection, self._night.current or ""})

    def let_go(self) -> None:
        """Hold no frame."""
        self.held = frozenset()
