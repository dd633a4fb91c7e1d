"""The states of frames while nothing changes: made out once a frame, not once a cell."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astep_gui.models.frame_state import FrameState


class MomentStates:
    """Asks for states, and remembers them for as long as rows are painted or sorted."""

    def __init__(self, state_of: Callable[[str], FrameState]) -> None:
        self._state_of = state_of
        self._known: dict[str, FrameState] | None = None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Promise that nothing changes inside the block."""
        before, self._known = self._known, {} if self._known is None else self._known
        try:
            yield
        finally:
            self._known = before

    def of(self, path: str) -> FrameState:
        """Return how a frame stands."""
        if self._known is None:
            return self._state_of(path)
        if path not in self._known:
            self._known[path] = self._state_of(path)
        return self._known[path]
