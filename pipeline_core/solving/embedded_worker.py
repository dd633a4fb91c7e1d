"""The process in which the engine of the ``astrometry`` package works: one JSON line in, one out.

A hopeless solve cannot be interrupted inside a process; a process can be ended. Started as
``python -m pipeline_core.solving.embedded_worker PARENT``, the number of the process that asks: a worker ends with it,
in the midst of a search too.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from pipeline_core.solving.with_parent import end_with_parent


def main(parent: int) -> None:
    """Answer requests until the pipe is closed. The first line names the index files."""
    end_with_parent(parent)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="ascii")
    # The engine's own words must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import astrometry  # noqa: PLC0415 - after the streams are in order

    solver = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if solver is None:
                solver = astrometry.Solver([Path(path) for path in request["indexes"]])
                answer: dict[str, Any] = {"ready": True}
            else:
                answer = _solve(astrometry, solver, request)
        except Exception as error:  # noqa: BLE001 - told to the asking process, which raises it there
            answer = {"error": str(error) or type(error).__name__}
        answers.write(json.dumps(answer) + "\n")


def _solve(astrometry: Any, solver: Any, request: dict[str, Any]) -> dict[str, Any]:
    scale, position = request["scale"], request["position"]
    parameters = astrometry.SolutionParameters(
        sip_order=0,
        tune_up_logodds_threshold=None,  # 340 ms; the fit of ours does it better in 5
        positional_noise_pixels=request["noise_px"],
        output_logodds_threshold=request["log_odds"],
        logodds_callback=lambda _odds: astrometry.Action.STOP,
        slices_generator=astrometry.batches_generator(request["batch"]),
    )
    solved = solver.solve(
        request["stars"],
        astrometry.SizeHint(*scale) if scale else None,
        astrometry.PositionHint(*position) if position else None,
        parameters,
    )
    if not solved.has_match():
        return {"found": None}
    best = solved.best_match()
    cards = {name: value for name, (value, _comment) in best.wcs_fields.items()}
    return {
        "found": {
            "cards": cards,
            "log_odds": best.logodds,
            "index": best.index_path.name,
            "stars": len(best.stars),
        }
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
