"""What is known of the open night: its frames as decided, its plan, its quality, and which frames are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.frame_state import FrameState, frame_state
from astep_gui.models.judgements import Judgements
from astep_gui.models.quick_looking import QuickLooking
from pipeline_core.session import NO_CHOICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from astep_gui.jobs import Jobs
    from astep_gui.models.needs import Need
    from astep_gui.models.sky_words import SkyStatus
    from pipeline_core.config import Recipe
    from pipeline_core.errors import AstepError
    from pipeline_core.logbook import Logbook
    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.plan_types import Choices, Plan
    from pipeline_core.session import Place
    from pipeline_core.survey import Survey
    from pipeline_core.types import Frame, Night


class KnownNight(QObject):
    """Holds it and answers for each frame; what becomes of it is another's business."""

    selection_changed = pyqtSignal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.looking = QuickLooking(jobs, self)
        self._clear()

    def _clear(self) -> None:
        self.place: Place | None = None
        self.raw: Night | None = None
        self.night: Night | None = None
        self.logbook: Logbook | None = None
        self.choices: Choices = NO_CHOICES
        self.rejected: Mapping[str, str] = {}
        """Frames that a person or a rule of the recipe rejected, and why; the plan still takes those of a rule."""
        self._recipe: Recipe | None = None
        self.plan: Plan | None = None
        self.plan_error: AstepError | None = None
        self.judgements = Judgements()
        self.failed: dict[str, str] = {}
        self.finished: set[str] = set()
        """Calibrated in the run that is on, or in the last one."""
        self.left_out: dict[str, str] = {}
        self.awaits_final = False
        """A run has ended, and its final values are being read: what the first look suggested holds no more."""
        self.survey: Survey | None = None
        """None while it is not known."""
        self.needs: list[Need] = []
        self.current: str | None = None
        self.selection: tuple[str, ...] = ()
        self.reference: str | None = None
        """The frame that a person chose for others to be compared with."""
        self.sky_words: Mapping[str, SkyStatus] = {}
        self._states: dict[str, tuple[tuple[object, ...], FrameState]] = {}
        """Path → all that its state is made of, and the state: thousands are asked for with every search."""

    # -- its frames ------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """Settings of the reduction; read only when asked for, so that the window is there before pydantic is."""
        if self._recipe is None:
            from pipeline_core.recipe_file import load_recipe  # noqa: PLC0415 - see above

            self._recipe = load_recipe(None)
        return self._recipe

    @property
    def is_open(self) -> bool:
        """Whether a night is shown."""
        return self.night is not None

    @property
    def frames(self) -> Sequence[Frame]:
        """All frames, as decided, sorted by path."""
        return self.night.frames if self.night else ()

    @property
    def rows(self) -> dict[str, QualityRow]:
        """Quality of the science frames that were measured, by path."""
        return self.judgements.rows

    @property
    def calibration_flags(self) -> Mapping[str, tuple[Flag, ...]]:
        """What is said of biases, darks and flats, by path."""
        return self.judgements.calibration_flags

    def frame(self, path: str | None) -> Frame | None:
        """Return a frame by its night-relative path."""
        return self.night.by_path.get(path) if self.night and path else None

    def state_of(self, path: str) -> FrameState:
        """Return how a frame stands, as mark, word and tone; made out anew only where something of it is another."""
        frame = self.frame(path)
        assert frame is not None, "only frames of the night have a state"
        row, flags = self.rows.get(path), self.calibration_flags.get(path, ())
        sky, first_said = self.sky_words.get(path), self.judgements.first_said.get(path, "")
        is_kept, is_finished = path in self.choices.kept, path in self.finished
        is_unjudged, is_awaited = path in self.looking.unjudged, self.looking.is_on
        reasons = self.rejected.get(path), self.left_out.get(path), self.failed.get(path)
        told = (frame, row, flags, sky, first_said, is_kept, is_finished, is_unjudged, is_awaited, reasons)
        known = self._states.get(path)
        if known is None or known[0] != told:
            state = frame_state(
                frame,
                self.rejected,
                self.left_out,
                self.failed,
                row,
                flags,
                is_kept=is_kept,
                is_finished=is_finished,
                is_unjudged=is_unjudged,
                is_awaited=is_awaited,
                first_said=first_said,
            ).with_sky(sky)
            known = self._states[path] = (told, state)
        return known[1]

    # -- selection -------------------------------------------------------------------------------------------

    def select(self, paths: Iterable[str], current: str | None = None) -> None:
        """Mean some frames, and look at one of them.

        Parameters
        ----------
        paths : iterable of str
        current : str, optional
            The frame that is shown; the first of the selection if absent.
        """
        chosen = tuple(dict.fromkeys(path for path in paths if self.frame(path) is not None))
        looked_at = current if self.frame(current) is not None else next(iter(chosen), None)
        if looked_at is not None and not chosen:
            chosen = (looked_at,)
        if (chosen, looked_at) == (self.selection, self.current):
            return
        self.selection, self.current = chosen, looked_at
        self.selection_changed.emit()
