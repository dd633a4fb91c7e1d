"""Where a calibrated frame lies follows its verdict."""

import pytest

from pipeline_core.logbook import Logbook
from pipeline_core.stage import Raw, Stage, Task
from pipeline_core.store import Store
from pipeline_core.verdicts import SCIENCE_STAGE, move_products


@pytest.fixture
def output(tmp_path):
    """An output with two calibrated frames and a master."""
    stages = {"a.fits": SCIENCE_STAGE, "sub/b.fits": SCIENCE_STAGE, "bias": "master bias"}
    out = tmp_path / "out"
    with Logbook.open(out, tmp_path / "night") as logbook, Store(out, logbook.database) as store:
        for label, stage in stages.items():
            folder = "calibrated/" if label.endswith(".fits") else "masters/"
            product = folder + label.replace(".fits", "_CAL.fits") + ("" if label.endswith(".fits") else ".fits")
            raw = Raw(out / label, label, 1, 1)
            task = Task(Stage(stage, 1, print), product, {}, {"raw": raw}, label)
            part = store.file(product).with_suffix(".part")
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(label.encode())
            store.finish(task, part, len(label), {}, 0.1)
    return out


def files(output):
    return sorted(p.relative_to(output).as_posix() for p in output.rglob("*.fits"))


def verdict(output, deed, *paths):
    with Logbook.open(output) as logbook:
        getattr(logbook, deed)(list(paths))
        return move_products(output, logbook)


def test_a_rejected_frames_product_moves_and_comes_back_on_accept(output):
    assert verdict(output, "reject", "sub/b.fits") == 1
    assert files(output) == ["calibrated/a_CAL.fits", "masters/bias.fits", "rejected/sub/b_CAL.fits"]
    assert verdict(output, "accept", "sub/b.fits") == 1
    assert (output / "calibrated/sub/b_CAL.fits").read_bytes() == b"sub/b.fits"


def test_undoing_a_rejection_brings_the_product_back_too(output):
    verdict(output, "reject", "a.fits")
    with Logbook.open(output) as logbook:
        logbook.undo()
        assert move_products(output, logbook) == 1
    assert "calibrated/a_CAL.fits" in files(output)


def test_the_product_of_a_frame_that_is_no_science_frame_any_more_leaves_the_calibrated_ones_and_comes_back(output):
    with Logbook.open(output) as logbook:
        logbook.decide(["a.fits"], "kind", "dark")
        logbook.decide(["sub/b.fits"], "kind", "science")
        assert move_products(output, logbook) == 1
        assert files(output) == ["calibrated/sub/b_CAL.fits", "masters/bias.fits", "rejected/a_CAL.fits"]
        logbook.undo(2)
        assert move_products(output, logbook) == 1
    assert "calibrated/a_CAL.fits" in files(output)


def test_a_second_look_moves_nothing(output):
    verdict(output, "reject", "a.fits")
    with Logbook.open(output) as logbook:
        assert move_products(output, logbook) == 0


def test_a_product_that_was_deleted_is_not_moved(output):
    (output / "calibrated/a_CAL.fits").unlink()
    assert verdict(output, "reject", "a.fits") == 0


def test_a_rejected_calibration_frame_moves_no_master(output):
    assert verdict(output, "reject", "bias") == 0
    assert "masters/bias.fits" in files(output)
