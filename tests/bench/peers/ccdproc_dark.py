"""The dark of a folder with ccdproc, as its documentation makes one: ``python ccdproc_dark.py FOLDER OUT``."""

import sys
from pathlib import Path

import ccdproc
import numpy as np

master = ccdproc.combine(
    [str(path) for path in sorted(Path(sys.argv[1]).glob("*.fits"))],
    method="average",
    sigma_clip=True,
    sigma_clip_low_thresh=3,
    sigma_clip_high_thresh=3,
    mem_limit=2e9,
    dtype=np.float32,
    unit="adu",
)
master.write(sys.argv[2], overwrite=True)
