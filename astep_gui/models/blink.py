"""Blinking: many frames one after another, small versions of all of them kept in bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from astep_gui.models.frame_images import ShownImage, reduced_image, shown_image
from astep_gui.models.memory_budget import MemoryBudget
from pipeline_core.errors import AstepError, to_keep

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from astep_gui.models.blink_frame import BlinkFrame

BLINK_PART = 0.95
"""Of what all caches may hold, for the small versions: the frame on which the blinking rests wants room too."""
FASTEST, SLOWEST = 30.0, 1.0
_REACTION_S = 0.35  # from seeing a bad frame to the key: at 10 frames a second it is three frames back
_OFFERED = 8
_AHEAD = 6  # frames loaded before they are due


class BlinkModel(QObject):
    """Shows frames in turn at a rate; a frame that is not loaded yet is waited for, and the rate says so."""

    frame_due = pyqtSignal(object, object, tuple)
    """ShownImage (small), BlinkFrame, and the offset that lays it on the reference."""
    rested = pyqtSignal(object)
    """BlinkFrame on which the blinking stopped: it may be shown in full now."""
    state_changed = pyqtSignal()
    """Playing, rate, direction, alignment, frames."""
    progress_changed = pyqtSignal()
    """How many are loaded, and the rate that is reached."""
    frame_failed = pyqtSignal(object, object)
    """BlinkFrame and AstepError; it is left out from then on."""
    _loaded = pyqtSignal(int, object, object)

    def __init__(self, parent: QObject | None = None, *, budget: MemoryBudget | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._budget = budget or MemoryBudget(parent=self)
        self._share = self._budget.join(self._give, "blink")
        self._frames: list[BlinkFrame] = []
        self._small: dict[Hashable, ShownImage] = {}
        self._bad: set[Hashable] = set()
        self._begun: dict[Hashable, Future[None]] = {}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="blink")
        self._closed = threading.Event()
        self._batch = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._loaded.connect(self._take)
        self._shown_at: deque[float] = deque(maxlen=40)
        self._history: deque[Hashable] = deque(maxlen=20)
        self.rate = 8.0
        self.ping_pong = False
        self.without_rejected = False
        """Whether rejected frames are passed over. Whoever judges wants to see them too: they are shown at first."""
        self.aligned = True
        self.reduction = 1
        """Pixels of a frame to one that is kept, a side."""
        self._forward = True
        self._index = 0

    # Frames

    @property
    def frames(self) -> tuple[BlinkFrame, ...]:
        """What is shown in turn."""
        return tuple(self._frames)

    @property
    def index(self) -> int:
        """Which of them is shown, from 0."""
        return self._index

    @property
    def going(self) -> tuple[int, ...]:
        """Which of them go by: all but the rejected ones where these are passed over; all, where none were left."""
        every = tuple(range(len(self._frames)))
        return tuple(k for k in every if not self._is_passed_over(self._frames[k])) or every

    @property
    def current(self) -> BlinkFrame | None:
        """The frame that is shown."""
        return self._frames[self._index] if self._frames else None

    @property
    def loaded(self) -> int:
        """How many are ready."""
        return sum(frame.key in self._small for frame in self._frames)

    @property
    def bytes(self) -> int:
        """Memory of the small versions."""
        return sum(small.bytes for small in self._small.values())

    @property
    def most_bytes(self) -> int:
        """What the small versions may hold."""
        return int(BLINK_PART * self._budget.most_bytes)

    @property
    def rests_turned(self) -> bool:
        """Whether the frame that is shown was turned onto the reference."""
        return self.aligned and self.current is not None and self.current.turn is not None

    @property
    def has_shifts(self) -> bool:
        """Whether any frame's shift is known, so that aligning means something."""
        return any(frame.has_place for frame in self._frames)

    @property
    def unplaced(self) -> tuple[str, ...]:
        """Titles of the frames that are shown as they were taken while the others are laid on each other."""
        return tuple(frame.title for frame in self._placeless() if not frame.is_alone)

    @property
    def alone(self) -> tuple[str, ...]:
        """Titles of those that are shown as they were taken because their field holds no other: none is lost."""
        return tuple(frame.title for frame in self._placeless() if frame.is_alone)

    def _placeless(self) -> list[BlinkFrame]:
        if not (self.aligned and self.has_shifts):
            return []
        going = (self._frames[k] for k in self.going)
        return [frame for frame in going if frame.has_stars and not frame.has_place]

    def set_frames(self, frames: Sequence[BlinkFrame], start: Hashable | None = None) -> None:
        """Blink these, beginning with the one named.

        They are kept as small as it takes to keep them all, down to an eighth; of yet more, the nearest are kept.
        """
        self.pause()
        self._batch += 1
        for future in self._begun.values():
            future.cancel()
        self._begun.clear()
        self._bad.clear()
        self._history.clear()
        self._shown_at.clear()
        self._frames = list(frames)
        keys = [frame.key for frame in self._frames]
        reduction = self._affordable()
        if reduction != self.reduction:
            self._small.clear()
        self.reduction = reduction
        wanted = set(keys)
        self._small = {key: small for key, small in self._small.items() if key in wanted}
        self._share.gave(len(self._small), self.bytes)
        self._index = keys.index(start) if start in wanted else 0
        self._forward = True
        self._load_ahead()
        self.state_changed.emit()
        self.progress_changed.emit()

    def set_badges(self, badges: Mapping[Hashable, str | None]) -> None:
        """Take note that frames (by their keys) were rejected or accepted."""
        for k, frame in enumerate(self._frames):
            if frame.key in badges:
                self._frames[k] = replace(frame, badge=badges[frame.key])
        if self.without_rejected:
            self.state_changed.emit()

    # Playing

    @property
    def is_playing(self) -> bool:
        """Whether frames follow each other by themselves."""
        return self._timer.isActive()

    @property
    def reached_rate(self) -> float:
        """Frames a second that were really shown of late; 0 when not playing."""
        if len(self._shown_at) < 2 or not self.is_playing:
            return 0.0
        return (len(self._shown_at) - 1) / max(self._shown_at[-1] - self._shown_at[0], 1e-6)

    def play(self) -> None:
        """Begin."""
        if len(self._frames) < 2 or self.is_playing:
            return
        self._shown_at.clear()
        self._timer.start(round(1000.0 / self.rate))
        self._tick(stay=True)
        self.state_changed.emit()

    def pause(self) -> None:
        """Stop on the frame that is shown."""
        if not self.is_playing:
            return
        self._timer.stop()
        self.state_changed.emit()
        self.progress_changed.emit()
        if self.current is not None:
            self.rested.emit(self.current)

    def toggle(self) -> None:
        """Begin or stop."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def set_rate(self, rate: float) -> None:
        """Show so many frames a second, 1 to 30."""
        self.rate = min(max(rate, SLOWEST), FASTEST)
        self._shown_at.clear()
        if self.is_playing:
            self._timer.start(round(1000.0 / self.rate))
        self.state_changed.emit()

    def set_ping_pong(self, on: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Turn back at the end, or begin anew."""
        self.ping_pong = on
        self._forward = True
        self.state_changed.emit()

    def set_without_rejected(self, on: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Pass over rejected frames, those too that are rejected meanwhile, or show all."""
        self.without_rejected = on
        self._load_ahead()
        self.state_changed.emit()

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Titles of the rejected frames that do not go by, as the person wanted."""
        return tuple(frame.title for frame in self._frames if self._is_passed_over(frame))

    def set_aligned(self, on: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Lay each frame on the reference by its measured shift, or show it as it was taken."""
        if self.aligned == on:
            return
        self.aligned = on
        turned = {frame.key for frame in self._frames if frame.turn is not None}
        if turned:  # they are kept turned, or as they were taken
            self._batch += 1
            for future in self._begun.values():
                future.cancel()
            self._begun.clear()
            self._small = {key: small for key, small in self._small.items() if key not in turned}
            self._load_ahead()
        self.state_changed.emit()
        self._show_current()
        if not self.is_playing and self.current is not None:
            self.rested.emit(self.current)

    def go(self, index: int) -> None:
        """Show a frame."""
        if self._frames:
            self._index = index % len(self._frames)
            self._load_ahead()
            self._show_current()
            if not self.is_playing:
                self.rested.emit(self._frames[self._index])

    def step(self, by: int) -> None:
        """Stop, and go so many frames on."""
        self.pause()
        n, index = len(self._frames), self._index + by
        for _ in range(n):  # where all are passed over, it is the next one all the same
            if not self._is_passed_over(self._frames[index % n]):
                break
            index += 1 if by > 0 else -1
        self.go(index)

    def recent(self) -> tuple[list[tuple[BlinkFrame, ShownImage]], int]:
        """Return eight of the frames shown last, oldest first, and which a person who pressed a key just now meant."""
        by_key = {frame.key: frame for frame in self._frames}
        history = [key for key in self._history if key in by_key and key in self._small]
        if not history:
            return [], 0
        back = round(_REACTION_S * min(self.rate, self.reached_rate or self.rate))
        meant = history[max(0, len(history) - 1 - back)]
        # Of few frames each went by more than once: the last time counts, nobody wants to see it twice.
        last_seen = list(dict.fromkeys(reversed(history)))[::-1]
        likely = last_seen.index(meant)
        first = max(0, min(likely - _OFFERED // 2, len(last_seen) - _OFFERED))
        chosen = last_seen[first : first + _OFFERED]
        return [(by_key[key], self._small[key]) for key in chosen], likely - first

    def small(self, key: Hashable) -> ShownImage | None:
        """Return the small version of a frame; None where it is not loaded."""
        return self._small.get(key)

    def middles(self) -> dict[Hashable, ShownImage]:
        """Return, of those loaded of each kin, the frame whose sky is neither bright nor dark; no kin before any is."""
        lit: dict[Hashable, list[ShownImage]] = {}
        for frame in self._frames:
            small = self._small.get(frame.key)
            if small is not None and math.isfinite(small.level.sky):
                lit.setdefault(frame.kin, []).append(small)
        return {kin: sorted(some, key=lambda s: s.level.sky)[len(some) // 2] for kin, some in lit.items()}

    def close(self) -> None:
        """End the threads."""
        self._closed.set()
        self._timer.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._small.clear()
        self._share.leave()

    def forget(self) -> None:
        """Blink nothing, and keep nothing: another night is open."""
        self.set_frames(())

    # Inside

    def _affordable(self) -> int:
        """Return the least reduction at which all frames fit in memory."""
        if not self._frames:
            return 1
        pixels = sum(ny * nx for ny, nx in (frame.shape or (4096, 4096) for frame in self._frames))
        for reduction in (1, 2, 4, 8):
            if pixels * 2 * 4 / 3 / reduction**2 <= self.most_bytes:
                return reduction
        return 8

    def _following(self, index: int, *, forward: bool) -> tuple[int, bool]:
        """Return what comes after a frame, and whether the direction is then forward."""
        n = len(self._frames)
        if not self.ping_pong or n < 2:
            return (index + 1) % n, True
        if forward and index == n - 1:
            return index - 1, False
        if not forward and index == 0:
            return 1, True
        return index + (1 if forward else -1), forward

    def _tick(self, *, stay: bool = False) -> None:
        if not self._frames:
            return
        index, forward = self._index, self._forward
        for _ in range(len(self._frames)):
            if not stay:
                index, forward = self._following(index, forward=forward)
            stay = False
            if not self._is_out(self._frames[index]):
                break
        else:
            self.pause()  # there is nothing left to go by
            return
        if self._frames[index].key in self._small:
            self._index, self._forward = index, forward
            self._show_current()
            self._shown_at.append(time.perf_counter())
            if len(self._shown_at) % 4 == 0:
                self.progress_changed.emit()
        self._load_ahead()

    def _is_passed_over(self, frame: BlinkFrame) -> bool:
        return self.without_rejected and frame.badge is not None

    def _is_out(self, frame: BlinkFrame) -> bool:
        return frame.key in self._bad or self._is_passed_over(frame)

    def _show_current(self) -> None:
        frame = self.current
        if frame is None:
            return
        small = self._small.get(frame.key)
        if small is None:
            return
        if not self._history or self._history[-1] != frame.key:
            self._history.append(frame.key)
        self.frame_due.emit(small, frame, self.offset(frame))

    def offset(self, frame: BlinkFrame) -> tuple[float, float]:
        """Return how far a frame must be moved to lie on the reference."""
        if not self.aligned or frame.shift is None or frame.turn is not None:  # turned pixels lie on it already
            return (0.0, 0.0)
        return (-frame.shift[0], -frame.shift[1])

    def _load_ahead(self) -> None:
        """Keep the threads busy with the frames that are due next."""
        if self._closed.is_set() or not self._frames:
            return
        index, forward = self._index, self._forward
        room = self.bytes < self.most_bytes
        for ahead in range(len(self._frames)):
            if len(self._begun) >= _AHEAD or (ahead > _AHEAD and not room):
                break
            frame = self._frames[index]
            if not (frame.key in self._small or frame.key in self._begun or self._is_out(frame)):
                self._begun[frame.key] = self._pool.submit(self._load, self._batch, frame, self.reduction, self.aligned)
            index, forward = self._following(index, forward=forward)

    def _load(self, batch: int, frame: BlinkFrame, reduction: int, aligned: bool) -> None:  # noqa: FBT001
        """In a thread of the pool."""
        result: ShownImage | AstepError
        try:
            result = reduced_image(shown_image(frame.key, frame.loader()), reduction)
            if aligned and frame.turn is not None:
                result = frame.turn(result)
        except AstepError as error:
            result = to_keep(error)
        except Exception as error:  # noqa: BLE001 - told, not lost in a thread
            result = AstepError(f"cannot show {frame.title}", f"{type(error).__name__}: {error}")
        if not self._closed.is_set():
            self._loaded.emit(batch, frame, result)

    def _take(self, batch: int, frame: BlinkFrame, result: ShownImage | AstepError) -> None:
        if self._closed.is_set() or batch != self._batch:
            return
        self._begun.pop(frame.key, None)
        if isinstance(result, AstepError):
            self._bad.add(frame.key)
            self.frame_failed.emit(frame, result)
        else:
            first = not self._small
            self._small[frame.key] = result
            self._make_room()
            self._share.keep(len(self._small), self.bytes)
            if first or (self.current is not None and self.current.key == frame.key and not self.is_playing):
                self._show_current()
        self._load_ahead()
        self.progress_changed.emit()

    def _make_room(self) -> None:
        """Drop the frames that are due last."""
        if self.bytes <= self.most_bytes:
            return
        for key in self._due_last_first():
            if self.bytes <= self.most_bytes or len(self._small) <= 2:
                break
            if key != self._frames[self._index].key:
                del self._small[key]

    def _due_last_first(self) -> list[Hashable]:
        n = len(self._frames)
        places = {frame.key: (k - self._index) % n for k, frame in enumerate(self._frames)}
        return sorted(self._small, key=lambda key: -places.get(key, n))

    def _give(self) -> None:
        """Give up a frame to another cache; the one that is shown is the last that goes."""
        if not self.is_playing:  # else it would be loaded again at once
            del self._small[self._due_last_first()[0]]
            self._share.gave(len(self._small), self.bytes)
