"""Solves frame after frame: predicted from the last, else searched for; believed only if verified."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipeline_core.science.predict import predict
from pipeline_core.science.solution_check import STARS_NEEDED
from pipeline_core.solving.beside_catalogue import cone_for
from pipeline_core.solving.confirming import Camera, confirm
from pipeline_core.solving.engine import EngineError, EngineStoppedError, NotWaitedError, TimeLimitError
from pipeline_core.solving.index_files import SCALE_UNKNOWN, what_is_missing
from pipeline_core.solving.result import FrameSolution, How
from pipeline_core.solving.where_to_look import cone_of, hints_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.events import RunContext
    from pipeline_core.io.index_file import IndexFile
    from pipeline_core.science.catalogue_match import SkyStars
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.confirming import Confirmed
    from pipeline_core.solving.engine import Engine, Found, Hint
    from pipeline_core.solving.wanted import SolverOptions, Wanted

_ENGINE_RADIUS_PX = 15.0  # a quad's linear solution is off by so much in the corners of a distorted field
_PREDICTED_RADIUS_PX = 6.0
_SHORT_S = 2.0  # for a frame of a night that seems to be nowhere; a search near the right place takes milliseconds
_LEAST_S = 0.3  # a search needs so long to be worth its start
_REPORTABLE_ARCSEC = 0.5  # one sigma of the solution, each axis: half of what the MPC takes for a good residual
_STOPS = 3  # an engine that breaks down on so many frames in turn is not started again
_BLIND_TRIES = 3  # after three frames in turn that are nowhere on the sky it is not searched for each any more
_NOW_AND_THEN_S = 5.0  # but for the 5th, the 9th, the 17th …: clouds pass, and a good frame is found in a second


class Catalogue(Protocol):
    """Where reference stars come from; best source first."""

    def references(self, ra_deg: float, dec_deg: float, radius_deg: float) -> Iterator[ReferenceStars]:
        """Yield the stars of a cone from each source that has it."""
        ...


@dataclass
class _Attempt:
    """What happened so far with one frame."""

    best: Confirmed | None = None
    refused: str = ""
    refused_at: list[tuple[float, float, float]] = field(default_factory=list)
    """Cones around the places that were refused."""
    ended: str = ""
    not_waited: str = ""
    """What the network did not bring in time."""
    passed_over: int = 0
    """Engines, the first ones, that broke down on it."""


class FrameSolver:
    """Keeps engine, catalogue and the last solution from frame to frame.

    Parameters
    ----------
    engines : sequence of Engine
        Tried in this order; one that cannot work hands over to the next.
    catalogue : Catalogue
    indexes : sequence of IndexFile
        What the engines have, to say what is missing.
    options : SolverOptions
    beside : Engine, optional
        Asked where those find nothing near a stated place: it needs no index.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        catalogue: Catalogue,
        indexes: Sequence[IndexFile],
        options: SolverOptions,
        beside: Engine | None = None,
    ) -> None:
        self.engines = list(engines)
        self.beside = beside
        self.catalogue = catalogue
        self.indexes = indexes
        self.options = options
        self._cameras: dict[tuple[int, int], Camera] = {}
        """By the shape of their frames."""
        self._stops = 0
        """Frames in turn on which the first engine broke down."""
        self.spared = False
        """Whether the last frame was not searched all over the sky: it is worth another look once one is solved."""
        self._why_gone = ""
        """What the last engine said that cannot work."""

    def close(self) -> None:
        """End the engines."""
        for engine in self.engines:
            engine.close()

    def remember(self, solution: TanSip, shape: tuple[int, int]) -> None:
        """Begin with a solution that an earlier run found for a frame of (ny, nx) pixels."""
        self._camera(shape).last = solution

    def knows(self, shape: tuple[int, int]) -> bool:
        """Whether a frame of this size was solved: others are predicted from it."""
        return self._camera(shape).last is not None

    def _camera(self, shape: tuple[int, int]) -> Camera:
        return self._cameras.setdefault(shape, Camera())

    def solve(self, wanted: Wanted, context: RunContext) -> FrameSolution:
        """Solve one frame.

        Raises
        ------
        Cancelled
            If the person stopped it.
        """
        begun = time.perf_counter()
        attempt = _Attempt()
        camera = self._camera(wanted.shape)
        blind, self.spared = _is_searched_blind(camera.in_vain), False
        how: How | None = None
        found: Found | None = None
        if len(wanted.stars) >= STARS_NEEDED:
            if self._predicted(wanted, attempt):
                how = "predicted"
            else:
                found, how = self._searched(wanted, attempt, context, blind=blind)
        seconds = time.perf_counter() - begun
        if attempt.best is None:
            self.spared = not blind
            if self.spared and not attempt.refused:
                attempt.ended = f"not searched all over the sky: the {_BLIND_TRIES} frames before it were in vain" + (
                    f"; {SCALE_UNKNOWN}" if wanted.scale_arcsec is None and camera.last is None else ""
                )
            camera.in_vain += len(wanted.stars) >= STARS_NEEDED
            return FrameSolution(
                wanted.path, solved=False, reason=self._why_not(wanted, attempt), shape=wanted.shape,
                stars_found=len(wanted.stars), looked_at=self._looked_at(wanted, attempt), seconds=round(seconds, 4),
            )  # fmt: skip
        camera.note(attempt.best.matched, wanted.shape)
        return _solved(wanted, attempt.best, found, how, seconds)

    def _predicted(self, wanted: Wanted, attempt: _Attempt) -> bool:
        last = self._camera(wanted.shape).last
        if last is None:
            return False
        scale = last.scale_arcsec
        for reference in self._references(last, wanted.shape):
            sky = reference.at(wanted.year)
            vote = predict(wanted.stars, sky, last, wanted.shape)
            if vote is None:
                continue
            near = (0.99 * scale, 1.01 * scale)
            if self._confirmed(wanted, vote.solution, reference, sky, attempt, _PREDICTED_RADIUS_PX, near):
                return True
        return False

    def _searched(
        self, wanted: Wanted, attempt: _Attempt, context: RunContext, *, blind: bool
    ) -> tuple[Found | None, How | None]:
        limit, in_vain = self.options.time_limit_s, self._camera(wanted.shape).in_vain
        if in_vain >= _BLIND_TRIES:
            limit = min(limit, _NOW_AND_THEN_S if blind else _SHORT_S)
        until = time.monotonic() + limit
        is_served = self._is_served(wanted)
        for hint in self._hints(wanted):
            if not (blind and is_served) and not hint.has_position:
                continue
            context.check()
            left = until - time.monotonic()
            if left < _LEAST_S:
                break
            found = None
            if is_served:
                where = "near its stated place" if hint.has_position else "all over the sky"
                name = wanted.path.rpartition("/")[2]
                with context.waiting(f"the search for {name} {where} ({left:.0f} s at most)"):
                    found = self._asked(wanted, hint, attempt, context, 0.5 * left if hint.has_position else left)
            if found is None and hint.has_position and self.beside is not None:
                found, waited_s = self._asked_beside(wanted, hint, attempt, context, 0.25 * left)
                until += waited_s
            if found is None:
                continue
            if not found.solution.is_sound:
                attempt.refused = f"what {found.engine} answered is no place on the sky"
                continue
            begun = time.monotonic()
            if self._is_there(wanted, found, hint, attempt):
                return found, "hint" if hint.has_position else "blind"
            until += time.monotonic() - begun  # stars that came slowly for a wrong place take no time from the search
        return None, None

    def _is_there(self, wanted: Wanted, found: Found, hint: Hint, attempt: _Attempt) -> bool:
        """Whether a catalogue's stars confirm what an engine found; they may have to come over the network."""
        attempt.refused = "no catalogue has stars there"
        attempt.refused_at.append(cone_of(found.solution, wanted.shape))
        for reference in self._references(found.solution, wanted.shape):
            sky = reference.at(wanted.year)
            near = hint.scale_arcsec
            if self._confirmed(wanted, found.solution, reference, sky, attempt, _ENGINE_RADIUS_PX, near):
                return True
        return False

    def _is_served(self, wanted: Wanted) -> bool:
        """Whether an index may hold patterns of this field, by its stated scale; else a search cannot end well."""
        if wanted.scale_arcsec is None or self._camera(wanted.shape).last is not None or not self.indexes:
            return True
        field_arcmin = min(wanted.shape) * wanted.scale_arcsec / 60.0
        return any(index.serves(field_arcmin) for index in self.indexes)

    def _asked(
        self, wanted: Wanted, hint: Hint, attempt: _Attempt, context: RunContext, limit_s: float
    ) -> Found | None:
        while len(self.engines) > attempt.passed_over:
            engine = self.engines[attempt.passed_over]
            try:
                found = engine.solve(wanted.stars, wanted.shape, hint, context, limit_s)
            except TimeLimitError:
                limit = self.options.time_limit_s
                attempt.ended = f"no pattern of its stars was found in {limit:.0f} s (solve.time_limit_s)"
                return None
            except EngineStoppedError as error:
                # It is started anew for the next frame: one frame must not stop a night.
                self._tell_stopped(error, attempt, context)
                self._stops += attempt.passed_over == 0
                if self._stops >= _STOPS:
                    self._give_up(0, error)
                else:
                    attempt.passed_over += 1
            except EngineError as error:
                # The next engine, for this and all other frames.
                self._tell_stopped(error, attempt, context)
                self._give_up(attempt.passed_over, error)
            else:
                self._stops = 0 if attempt.passed_over == 0 else self._stops
                return found
        attempt.ended = attempt.ended or self._why_gone
        return None

    def _asked_beside(
        self, wanted: Wanted, hint: Hint, attempt: _Attempt, context: RunContext, limit_s: float
    ) -> tuple[Found | None, float]:
        """Return what is found without an index, and how long the network took: that is not the search's time."""
        assert self.beside is not None, "asked for only where it is there"
        begun = time.monotonic()
        found = None
        try:
            found = self.beside.solve(wanted.stars, wanted.shape, hint, context, limit_s)
        except NotWaitedError as error:
            attempt.not_waited = str(error)
        except TimeLimitError:
            pass  # the index is asked for as long as is left
        return found, max(0.0, time.monotonic() - begun - limit_s)

    @staticmethod
    def _tell_stopped(error: EngineError, attempt: _Attempt, context: RunContext) -> None:
        attempt.ended = str(error)
        context.say("solve", str(error), level="warning")

    def _give_up(self, number: int, error: EngineError) -> None:
        self._why_gone = str(error)
        self._stops = 0
        self.engines.pop(number).close()

    def _references(self, solution: TanSip, shape: tuple[int, int]) -> Iterator[ReferenceStars]:
        return self.catalogue.references(*cone_of(solution, shape))

    def _hints(self, wanted: Wanted) -> list[Hint]:
        return hints_for(wanted, self._camera(wanted.shape).last, self.options)

    def _looked_at(self, wanted: Wanted, attempt: _Attempt) -> tuple[tuple[float, float, float], ...]:
        """Return the cones that a search in vain stood on: where stars come there, another may succeed."""
        if len(wanted.stars) < STARS_NEEDED:
            return ()
        last = self._camera(wanted.shape).last
        cones = [*attempt.refused_at] + ([cone_of(last, wanted.shape)] if last is not None else [])
        if self.beside is not None:
            cones += [cone for hint in self._hints(wanted) if (cone := cone_for(hint, wanted.shape)) is not None]
        return tuple(dict.fromkeys(cones))

    def _confirmed(
        self,
        wanted: Wanted,
        rough: TanSip,
        reference: ReferenceStars,
        sky: SkyStars,
        attempt: _Attempt,
        radius_px: float,
        scale: tuple[float, float] | None,
    ) -> bool:
        optics = self._camera(wanted.shape).optics
        answer = confirm(
            wanted, rough, reference, sky, optics, order=self.options.order, radius_px=radius_px, scale_arcsec=scale
        )
        if isinstance(answer, str):
            attempt.refused = answer
            return False
        attempt.best = answer
        return True

    def _why_not(self, wanted: Wanted, attempt: _Attempt) -> str:
        """Say why a frame is not solved, and what the network did not bring for it."""
        reason = self._reason(wanted, attempt)
        return f"{reason}; {attempt.not_waited}" if attempt.not_waited else reason

    def _reason(self, wanted: Wanted, attempt: _Attempt) -> str:
        number = len(wanted.stars)
        if number < STARS_NEEDED:
            return f"only {number} stars were found, {STARS_NEEDED} are needed (cloud, or a closed shutter?)"
        if attempt.refused:
            return f"a solution was found and refused: {attempt.refused}"
        missing = ""
        if wanted.scale_arcsec is not None:
            scale = wanted.scale_arcsec
            missing = what_is_missing(self.indexes, min(wanted.shape) * scale / 60.0, scale)
        if missing:
            return missing
        if attempt.ended:
            unknown = wanted.scale_arcsec is None and "--scale" not in attempt.ended
            return attempt.ended + (f"; {SCALE_UNKNOWN}" if unknown else "")
        if wanted.scale_arcsec is None:
            return f"no pattern of its stars is in the index; {SCALE_UNKNOWN}"
        return f"no pattern of its {number} stars is in the index (cloud, trailed stars, or a wrong pixel scale?)"


def _is_searched_blind(in_vain: int) -> bool:
    """Whether the next frame is looked for all over the sky after so many in vain: after 0 to 2, then 4, 8, 16."""
    return in_vain < _BLIND_TRIES or in_vain & (in_vain - 1) == 0


def _solved(
    wanted: Wanted, confirmed: Confirmed, found: Found | None, how: How | None, seconds: float
) -> FrameSolution:
    matched, verdict, reference = confirmed.matched, confirmed.verdict, confirmed.reference
    solution = matched.fit.solution
    ra, dec = solution.centre(wanted.shape)
    notes = [reference.source.words] if reference.source.words else []
    if wanted.time_note:
        notes.append(wanted.time_note)
    error = matched.fit.typical_error_arcsec(wanted.shape)
    is_steady = error <= _REPORTABLE_ARCSEC
    if not is_steady:
        notes.append(f"its stars leave places over the frame uncertain by {error:.1f}″: not for reporting")
    return FrameSolution(
        wanted.path,
        solved=True,
        solution=solution,
        shape=wanted.shape,
        ra_deg=round(ra, 7),
        dec_deg=round(dec, 7),
        scale_arcsec=round(solution.scale_arcsec, 6),
        rotation_deg=round(solution.rotation_deg, 4),
        parity=solution.parity,
        rms_arcsec=round(matched.fit.rms_arcsec, 4),
        error_arcsec=round(error, 5),
        stars_found=len(wanted.stars),
        stars_matched=verdict.matched,
        reference=reference.source.name,
        reportable=reference.source.reportable and wanted.time_note is None and is_steady,
        notes=tuple(notes),
        engine=found.engine if found is not None else None,
        index=found.index if found is not None else None,
        log_odds=round(verdict.log_odds, 1),
        how=how,
        order=solution.order,
        seconds=round(seconds, 4),
    )
