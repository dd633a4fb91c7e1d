"""What earlier runs left of a night's solutions, found and in vain: whether it holds, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError, NightError
from pipeline_core.io.header_update import card_of, update_header
from pipeline_core.io.wcs_cards import SOLUTION_KEY, put_solution
from pipeline_core.opened_night import calibrated_task
from pipeline_core.solve_hints import SEARCHED_WITH
from pipeline_core.solve_means import make_provider
from pipeline_core.solve_tasks import SOLVE, SOLVE_STAGE, solve_task
from pipeline_core.solving.at_hand import AtHand
from pipeline_core.solving.result import FrameSolution
from pipeline_core.solving.where_to_look import cone_of
from pipeline_core.stage import digest, remembered
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.config import SolveSettings
    from pipeline_core.events import RunContext
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.at_hand import Cone
    from pipeline_core.stage import Made, Task
    from pipeline_core.store import Store
    from pipeline_core.store_lines import Product

_HEADER, _PIXELS = "header_of", "pixels_of"
"""What a solution notes: when the file was made whose header holds it, and the key of the pixels it was found in."""
_STOOD_ON, _IN_VAIN = "index_files", "in_vain_with"
"""And the index files, with signatures, that it stands on; or with what at hand no solution was found."""
_BEYOND_GAIA = "not_gaia_with"
"""And of one against an index: with which of Gaia's stars at hand it was not confirmed."""
_ANEW_IN_VAIN = "anew_in_vain"
"""And what was asked for, with what at hand, why not and where, when it was to be found anew and was not."""


def solutions(store: Store) -> dict[str, FrameSolution]:
    """Return what is known of each frame's place on the sky, by its night-relative path.

    Only of frames as they are calibrated now: one that was made anew since, trimmed otherwise perhaps, has none until
    it is solved again.
    """
    now = {product.label: product.key for product in store.products(SCIENCE_STAGE)}
    return {
        product.label: FrameSolution.from_made(product.made)
        for product in store.products(SOLVE)
        if product.made.get(_PIXELS) == now.get(product.label, "")
    }


@dataclass
class Known:
    """What earlier runs know of frames."""

    todo: list[Product] = field(default_factory=list)
    """To be solved, or solved again."""
    frames: list[FrameSolution] = field(default_factory=list)
    last: dict[tuple[int, int], TanSip] = field(default_factory=dict)
    """Of the frames that are solved, the last of each shape."""


class SolveMemory:
    """Solutions in the store, and in the headers of the calibrated frames.

    Parameters
    ----------
    store : Store
    settings : SolveSettings
    hints : mapping
        A person's hints for single frames, by path.
    context : RunContext
    warnings : list of str
        Hears of solutions that could not be written, or not found anew.
    """

    def __init__(
        self,
        store: Store,
        settings: SolveSettings,
        hints: Mapping[str, Mapping[str, float]],
        context: RunContext,
        warnings: list[str],
    ) -> None:
        self.store = store
        self.settings = settings
        self.hints = hints
        self.context = context
        self.warnings = warnings
        self.provider = make_provider(settings, (), context, network=False)
        self.at_hand = AtHand(settings, self.provider.cache)

    def task(self, product: Product) -> Task:
        """Return the task of solving a frame, with its hint."""
        return solve_task(product, self.settings, self.hints.get(product.label))

    def take(self, products: Sequence[Product], *, force: bool, retry: bool) -> Known:
        """Keep what earlier runs solved, and what they searched in vain unless it is to be tried again (``retry``)."""
        known, in_vain = Known(), []
        for product in products:
            task = self.task(product)
            made = None if force else self.store.fresh(task)
            frame = self._still_best(made)
            if frame is None and not (retry or force) and (vain := self._searched_in_vain(product, task, made)):
                in_vain.append((product, vain))
                continue
            if made is None or frame is None:
                known.todo.append(product)
                continue
            # Made again since: its header lost the solution.
            if made.get(_HEADER) != product.when_utc or made.get(_PIXELS) != product.key:
                self._keep(product, task, frame, made)
            known.frames.append(frame)
            if frame.solution is not None and frame.shape is not None:
                known.last[frame.shape] = frame.solution
        for product, vain in in_vain:
            if vain.key != self.at_hand.key(vain.looked_at, knows_camera=vain.frame.shape in known.last):
                known.todo.append(product)  # an index came since, say, or a neighbour was solved
            elif vain.frame.solved:
                known.frames.append(self._stays(product, self._earlier[product.label], vain.why))
            else:
                known.frames.append(vain.frame)
        return known

    def note(self, product: Product, frame: FrameSolution, *, knows_camera: bool) -> FrameSolution:
        """Keep what came of a frame, and return what holds of it: a search in vain takes no earlier solution away."""
        before = None if frame.solved else self._earlier.get(product.label)
        # A frame that is tried twice has the last word.
        self.warnings[:] = [words for words in self.warnings if not words.startswith(self._not_anew(product))]
        self.at_hand.look_anew()
        task = self.task(product)
        if before is not None:
            why = frame.reason or ""
            key = self.at_hand.key(frame.looked_at, knows_camera=knows_camera)
            known = remembered(SOLVE_STAGE, None, product.label, before.key)
            note = [task.key, key, why, frame.looked_at]
            self.store.finish(known, None, None, {**before.made, _ANEW_IN_VAIN: note}, before.seconds)
            return self._stays(product, before, why)
        noted: Made = {}
        if not frame.solved:
            noted[_IN_VAIN] = self.at_hand.key(frame.looked_at, knows_camera=knows_camera)
        elif (cone := self._unconfirmed(frame)) is not None:
            noted[_BEYOND_GAIA] = self.at_hand.tiles([cone])
        self._keep(product, task, frame, noted)
        return frame

    @cached_property
    def _earlier(self) -> dict[str, Product]:
        """Solutions that this run began with, of frames as they are calibrated now."""
        current = solutions(self.store)
        return {row.label: row for row in self.store.products(SOLVE) if row.label in current and row.made["solved"]}

    def _searched_in_vain(self, product: Product, task: Task, made: Made | None) -> _InVain | None:
        """Return what a search in vain left of a frame; None: search it."""
        if made is not None and _IN_VAIN in made:
            frame = FrameSolution.from_made(made)
            return _InVain(frame, made[_IN_VAIN], "", frame.looked_at)
        before = self._earlier.get(product.label)
        if before is None or _ANEW_IN_VAIN not in before.made:
            return None
        asked, key, why, *where = before.made[_ANEW_IN_VAIN]
        if asked != task.key:
            return None
        return _InVain(FrameSolution.from_made(before.made), key, why, where[0] if where else ())

    def _still_best(self, made: Made | None) -> FrameSolution | None:
        """Return what an earlier run found, unless this one could do better."""
        frame = FrameSolution.from_made(made) if made is not None else None
        if made is None or frame is None or frame.solution is None or frame.shape is None:
            return None
        if self.at_hand.was_replaced(made.get(_STOOD_ON, {})):
            return None
        cone = self._unconfirmed(frame)
        # Gaia's stars that did not confirm it once will not the next time.
        return frame if cone is None or made.get(_BEYOND_GAIA) == self.at_hand.tiles([cone]) else None

    def _unconfirmed(self, frame: FrameSolution) -> Cone | None:
        """Return the cone around a solution against an index for which Gaia's stars are on disk; else None."""
        if frame.solution is None or frame.shape is None or (frame.reference or "").startswith("Gaia"):
            return None
        cone = cone_of(frame.solution, frame.shape)
        return cone if self.provider.has_better_than_index(*cone) else None

    def _stays(self, product: Product, before: Product, why: str) -> FrameSolution:
        """Return the solution that a frame had, and say that it stays."""
        self.warnings.append(f"{self._not_anew(product)}{why}")
        frame = FrameSolution.from_made(before.made)
        self._write(product, frame, before.key)
        return frame

    @staticmethod
    def _not_anew(product: Product) -> str:
        return f"{product.label}: not solved anew, its earlier solution stays: "

    def _keep(self, product: Product, task: Task, frame: FrameSolution, noted: Made) -> None:
        """Write a frame's header, then note its solution: killed in between, it is solved again."""
        made = frame.as_made() | {_PIXELS: product.key, SEARCHED_WITH: dict(self.hints.get(product.label, {}))}
        made |= {name: noted[name] for name in (_IN_VAIN, _BEYOND_GAIA) if name in noted}
        if frame.solution is not None:
            made[_STOOD_ON] = self.at_hand.stood_on(frame)
            if self._write(product, frame, task.key):
                made[_HEADER] = product.when_utc
        self.store.finish(task, None, None, made, frame.seconds)

    def _write(self, product: Product, frame: FrameSolution, key: str) -> bool:
        """Put the solution into the calibrated file's header, unless it is there; False if it could not be."""
        assert frame.solution is not None, "only of solved frames"
        path = self.store.path(calibrated_task(product))
        name = digest(key, frame.reference, frame.solution.as_plain())
        try:
            if card_of(path, SOLUTION_KEY) == name:
                return True
            if self.store.fresh(calibrated_task(product)) is None:  # what someone else wrote must not become ours
                raise NightError(
                    f"the solution is not written into {path.name}",
                    "the file was changed since it was made",
                    "run `astep reduce` to make it again; the solution is kept",
                )
            shape = frame.shape or (0, 0)
            solution = frame.solution
            facts = frame.facts(name)
            self.store.rewrite(
                product.name,
                lambda place: update_header(place, lambda header: put_solution(header, solution, shape, facts)),
            )
        except AstepError as error:
            self.warnings.append(str(error))
            self.context.say(SOLVE, str(error), level="warning", path=product.label)
            return False
        return True


@dataclass(frozen=True)
class _InVain:
    """A search in vain: what holds of the frame, with what at hand it was, why it failed and where it looked."""

    frame: FrameSolution
    key: str
    why: str
    looked_at: Sequence[Cone]
