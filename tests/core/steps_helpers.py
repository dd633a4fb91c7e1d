"""A small night on disk and its products, made one after the other as the runner would."""

import numpy as np
from astropy.io import fits

from pipeline_core.config import Recipe
from pipeline_core.plan import Choices, build_plan
from pipeline_core.scan import scan_night
from pipeline_core.stage import Raw
from pipeline_core.tasks import TaskBuilder

NY, NX, OVERSCAN = 96, 144, 16
LIT = NX - OVERSCAN
GAIN = 2.0
HIT, HOT, BRIGHT, DARK_PIXEL = (40, 60), (20, 30), (70, 80), (50, 90)
"""(y, x) of a cosmic ray, a hot pixel, a saturated one and one without response."""


def write_night(root, *, overscan=True, pedestal=0, darks=(90.0,), biases=True, flats=True, gain=GAIN):
    """Write a small night: a chip with an overscan strip of 16 columns, a hot, a dead and a saturated pixel."""
    rng = np.random.default_rng(7)
    pattern = 1000 + rng.normal(0, 2, (NY, NX))
    rate = np.full((NY, NX), 0.1)
    rate[HOT] = 40.0
    y, x = np.mgrid[:NY, :NX]
    response = 1 - 0.2 * ((x / NX - 0.5) ** 2 + (y / NY - 0.5) ** 2)
    response[DARK_PIXEL] = 0.02

    def expose(name, kind, exposure_s, light, hit=False):
        electrons = rng.poisson(rate * exposure_s + response * light) + rng.normal(0, 6, (NY, NX))
        image = pattern + electrons / GAIN
        if hit:
            image[HIT] += 3000
            image[BRIGHT] = 65535
        image[:, LIT:] = (pattern + rng.normal(0, 3, (NY, NX)))[:, LIT:]
        hdu = fits.PrimaryHDU(np.clip(np.round(image + pedestal), 0, 65535).astype(np.uint16))
        cards = {"IMAGETYP": kind, "EXPTIME": exposure_s, "RDNOISE": 6.0, "CCD-TEMP": -10.0, "FILTER": "R"}
        if gain:
            cards["EGAIN"] = gain
        if pedestal:
            cards["PEDESTAL"] = -pedestal
        if overscan:
            cards |= {"BIASSEC": f"[{LIT + 1}:{NX},1:{NY}]", "TRIMSEC": f"[1:{LIT},1:{NY}]"}
        hdu.header.update(cards)
        hdu.writeto(root / f"{name}.fits")

    root.mkdir()
    for i in range(5):
        if biases:
            expose(f"bias_{i}", "Bias Frame", 0.0, 0)
        for exposure_s in darks:
            expose(f"dark{exposure_s:.0f}_{i}", "Dark Frame", exposure_s, 0)
        if flats:
            expose(f"flat_{i}", "Flat Field", 2.0, 30_000)
    expose("light", "Light Frame", 90.0, 800, hit=True)
    return root


def tasks_of(root, recipe=None, choices=None):
    """Plan a night; return its tasks."""
    night = scan_night(root, use_cache=False)
    recipe = recipe or Recipe()
    plan = build_plan(night, recipe, choices or Choices())
    return TaskBuilder(night, plan, recipe, {}).build()


def make(tasks, output, frame="light.fits"):
    """Make all masters and one frame as the runner would, one after the other; return the calibrated file."""
    for task in [*tasks.masters.values(), tasks.science[frame]]:
        out = output / task.product
        out.parent.mkdir(parents=True, exist_ok=True)
        files = {n: s.path if isinstance(s, Raw) else output / s.product for n, s in task.inputs.items()}
        task.stage.make(task.settings, files, out, 1)
    return output / tasks.science[frame].product
