"""The embedded engine: astrometry.net's solver as the ``astrometry`` package, in a process that can be ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solving.engine import EngineError, EngineStoppedError, Found, took_too_long

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.events import RunContext
    from pipeline_core.science.catalogue_match import FrameStars
    from pipeline_core.solving.engine import Hint

_PACKAGES = Path(__file__).parents[2]
_LOOK_S = 0.05
_START_S = 30.0  # importing numpy and mapping the indexes: a second on a busy machine, rarely more
_STARS = 100  # more only make a failure slower
_BATCH = 25  # patterns of the brightest 25 first, then of the next
_LOG_ODDS = 18.0  # what the engine needs to propose a solution; ours are checked again and need more


def is_available() -> bool:
    """Whether the ``astrometry`` package is installed."""
    return find_spec("astrometry") is not None


class EmbeddedEngine:
    """Solves with local index files.

    Parameters
    ----------
    indexes : sequence of Path
        Index files; those that cannot serve the field only cost time.
    """

    name = "astrometry"

    def __init__(self, indexes: Sequence[Path]) -> None:
        if not is_available():
            raise EngineError(
                "cannot solve with the embedded engine",
                "the package astrometry is not installed (there is none for Windows)",
                'pip install "astep-harvest[solve]", or use solve-field',
            )
        if not indexes:
            raise EngineError(
                "cannot solve without an index",
                "no index file of astrometry.net was found",
                "`astep index list` says where they are looked for, `astep index install` brings them",
            )
        self.indexes = tuple(indexes)
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def solve(
        self, stars: FrameStars, shape: tuple[int, int], hint: Hint, context: RunContext, time_limit_s: float
    ) -> Found | None:
        """Return a rough solution; see :class:`~pipeline_core.solving.engine.Engine`."""
        del shape
        if len(stars) < 4:
            return None
        self._start(context)
        position = [hint.ra_deg, hint.dec_deg, hint.radius_deg] if hint.has_position else None
        x, y = stars.x_px[:_STARS] + 1.0, stars.y_px[:_STARS] + 1.0  # the engine counts pixels from 1
        request = {
            "stars": np.stack([x, y], axis=1).round(3).tolist(),
            "scale": hint.scale_arcsec,
            "position": position,
            "noise_px": 1.0,
            "log_odds": _LOG_ODDS,
            "batch": _BATCH,
        }
        found = self._ask(request, context, time_limit_s)["found"]
        if found is None:
            return None
        return Found(_linear(found["cards"]), self.name, found["index"], found["log_odds"], found["stars"])

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent words to a process that is gone
                    stream.close()
        process.wait()

    def _start(self, context: RunContext) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._answers = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603 - this program, and a number of ours
            [sys.executable, "-m", "pipeline_core.solving.embedded_worker", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=_PACKAGES,  # python -m imports from where it is started, and that may be a night's folder
        )
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True, name="solver").start()
        self._ask({"indexes": [str(path.absolute()) for path in self.indexes]}, context, _START_S)

    def _ask(self, request: dict[str, Any], context: RunContext, time_limit_s: float) -> dict[str, Any]:
        process = self._process
        assert process is not None, "started before it is asked"
        assert process.stdin is not None, "opened with pipes"
        begun = time.monotonic()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            while True:
                with contextlib.suppress(queue.Empty):
                    line = self._answers.get(timeout=_LOOK_S)
                    break
                context.check()
                if time.monotonic() - begun > time_limit_s:
                    raise took_too_long(self.name, time_limit_s)  # noqa: TRY301 - ends the worker below
        except BrokenPipeError:
            line = None
        except BaseException:
            self.close()  # a worker that is still busy cannot take the next frame
            raise
        if line is None:
            self.close()
            raise EngineStoppedError(
                "the solving engine stopped", "its process ended by itself", "try solve-field instead"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError("the solving engine cannot work", str(answer["error"]), "check the index files")
        return answer


def _listen(process: subprocess.Popen[str], answers: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None, "opened with pipes"
    with contextlib.suppress(ValueError, OSError):  # closed under our hands when the process is ended
        for line in process.stdout:
            answers.put(line)
    answers.put(None)


def _linear(cards: dict[str, Any]) -> TanSip:
    matrix = np.array([[cards["CD1_1"], cards["CD1_2"]], [cards["CD2_1"], cards["CD2_2"]]], np.float64)
    return TanSip(cards["CRVAL1"], cards["CRVAL2"], cards["CRPIX1"] - 1.0, cards["CRPIX2"] - 1.0, matrix)
