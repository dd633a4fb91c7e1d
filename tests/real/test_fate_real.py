"""A whole run on what real instruments wrote."""

from pipeline_core.demo.night import make_demo_night
from tests.core.fate_helpers import astep, product, science

N_SCIENCE = 4


def test_the_zoo_of_real_headers_in_one_night_is_scanned_planned_and_reduced(real_data, tmp_path):
    """Every file is an entry; what cannot serve has its reason; the good frames are done."""
    mine = tmp_path / "mine"
    make_demo_night(mine, size=256, n_science=N_SCIENCE, n_bias=3, n_dark=3, n_flat=3, events=())
    animals = [p for p in sorted((real_data / "zoo").rglob("*.f*")) if p.is_file() and p.stat().st_size < 3_000_000]
    (mine / "zoo").mkdir()
    for number, animal in enumerate(animals):
        (mine / "zoo" / f"{number:03d}_{animal.name}").symlink_to(animal)
    scanned = astep("scan", mine).document["frames"]
    listed = {frame["path"] for frame in scanned if frame["path"].startswith("zoo/")}
    assert len(listed) >= len([a for a in animals if a.name.lower().endswith((".fits", ".fit", ".fts", ".gz"))])
    assert astep("plan", mine, "-o", tmp_path / "out").code == 0
    answer = astep("reduce", mine, "-o", tmp_path / "out", "--executor", "threads")
    assert answer.code in {0, 1}
    done = [product(tmp_path / "out", raw, mine).is_file() for raw in science(mine) if "zoo" not in raw.parts]
    assert done == [True] * N_SCIENCE
    assert all(entry["reason"] for entry in (*answer.document["failed"], *answer.document["left_out"]))
    assert astep("quality", tmp_path / "out").code == 0
