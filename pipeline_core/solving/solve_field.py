"""The engine ``solve-field`` of an installed astrometry.net: given the star list, not the image."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solving.engine import EngineError, Found, took_too_long

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.events import RunContext
    from pipeline_core.science.catalogue_match import FrameStars
    from pipeline_core.solving.engine import Hint

PROGRAM = "solve-field"
_LOOK_S = 0.05
_STARS = 100
# What a person's shell sets for other programs: solve-field's own Python scripts stumble over it.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")


def is_available() -> bool:
    """Whether ``solve-field`` is on the path."""
    return shutil.which(PROGRAM) is not None


class SolveFieldEngine:
    """Solves by running ``solve-field`` in a folder of its own.

    Parameters
    ----------
    indexes : sequence of Path
        Index files it may use.
    """

    name = PROGRAM

    def __init__(self, indexes: Sequence[Path]) -> None:
        self.indexes = tuple(indexes)

    def solve(
        self, stars: FrameStars, shape: tuple[int, int], hint: Hint, context: RunContext, time_limit_s: float
    ) -> Found | None:
        """Return a rough solution; see :class:`~pipeline_core.solving.engine.Engine`."""
        if not is_available():
            raise EngineError(
                "cannot solve with solve-field", "it is not installed", "apt install astrometry.net, or another engine"
            )
        if len(stars) < 4:
            return None
        with tempfile.TemporaryDirectory(prefix="astep-solve-") as name:
            folder = Path(name)
            _write_stars(folder / "stars.fits", stars, shape)
            config = folder / "engine.cfg"
            config.write_text(
                "inparallel\n" + "".join(f"index {path.resolve()}\n" for path in self.indexes), encoding="utf-8"
            )
            self._run(_arguments(folder, config, shape, hint, time_limit_s), folder, context, time_limit_s)
            solved = folder / "stars.wcs"
            return _read(solved, folder / "stars.match", self.name) if solved.is_file() else None

    def close(self) -> None:
        """Nothing keeps running between frames."""

    def _run(self, arguments: list[str], folder: Path, context: RunContext, time_limit_s: float) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        environment |= {"LC_ALL": "C", "TMPDIR": str(folder)}
        with (folder / "words.txt").open("wb") as words:
            process = subprocess.Popen(  # noqa: S603 - a program of that name on the path, no words of a header
                arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                start_new_session=True,
            )  # fmt: skip
            begun = time.monotonic()
            try:
                while process.poll() is None:
                    context.check()
                    # Its own limit counts processor time; this one is the wall's.
                    if time.monotonic() - begun > time_limit_s + 5.0:
                        raise took_too_long(self.name, time_limit_s)  # noqa: TRY301 - ends the program below
                    time.sleep(_LOOK_S)
            except BaseException:
                _end(process)
                raise
        if process.returncode != 0:
            told = (folder / "words.txt").read_text("utf-8", "replace").strip().splitlines()
            raise EngineError(
                "solve-field cannot work", told[-1] if told else f"it ended with code {process.returncode}",
                "run solve-field by hand, or use the embedded engine",
            )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    """End solve-field and what it started: it runs the engine as a child of its own session."""
    import signal  # noqa: PLC0415 - the only use

    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _write_stars(path: Path, stars: FrameStars, shape: tuple[int, int]) -> None:
    from astropy.io import fits  # noqa: PLC0415 - heavy

    count = min(len(stars), _STARS)
    columns = [
        fits.Column("X", "E", array=stars.x_px[:count] + 1.0),
        fits.Column("Y", "E", array=stars.y_px[:count] + 1.0),
        fits.Column("FLUX", "E", array=stars.flux[:count]),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header["IMAGEW"], table.header["IMAGEH"] = shape[1], shape[0]
    table.writeto(path)


def _arguments(folder: Path, config: Path, shape: tuple[int, int], hint: Hint, time_limit_s: float) -> list[str]:
    arguments = [
        shutil.which(PROGRAM) or PROGRAM, "--overwrite", "--no-plots", "--no-verify", "--no-tweak",
        "--dir", str(folder), "--config", str(config), "--width", str(shape[1]), "--height", str(shape[0]),
        "--x-column", "X", "--y-column", "Y", "--sort-column", "FLUX", "--cpulimit", str(max(1, round(time_limit_s))),
        "--temp-dir", str(folder), "--solved", "none", "--corr", "none", "--rdls", "none", "--index-xyls", "none",
        "--new-fits", "none", "--crpix-center",
    ]  # fmt: skip
    if hint.scale_arcsec is not None:
        low, high = hint.scale_arcsec
        arguments += ["--scale-units", "arcsecperpix", "--scale-low", f"{low:.6g}", "--scale-high", f"{high:.6g}"]
    if hint.has_position:
        arguments += [
            "--ra", f"{hint.ra_deg:.6f}", "--dec", f"{hint.dec_deg:.6f}", "--radius", f"{hint.radius_deg:.4g}",
        ]  # fmt: skip
    return [*arguments, str(folder / "stars.fits")]


def _read(wcs: Path, match: Path, engine: str) -> Found:
    from astropy.io import fits  # noqa: PLC0415 - heavy

    header = fits.getheader(wcs)
    matrix = np.array([[header["CD1_1"], header["CD1_2"]], [header["CD2_1"], header["CD2_2"]]], np.float64)
    solution = TanSip(header["CRVAL1"], header["CRVAL2"], header["CRPIX1"] - 1.0, header["CRPIX2"] - 1.0, matrix)
    index, odds, matched = "", None, None
    if match.is_file():
        row = fits.getdata(match, 1)[0]
        names = row.array.names
        odds = float(row["LOGODDS"]) if "LOGODDS" in names else None
        matched = int(row["NMATCH"]) if "NMATCH" in names else None
        index = f"index {int(row['INDEXID'])}" if "INDEXID" in names else ""
    return Found(solution, engine, index, odds, matched)
