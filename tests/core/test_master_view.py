"""Masters and masks as a person looks at them."""

import numpy as np
import pytest

from pipeline_core.errors import NightError
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.master_view import master_view
from tests.core.steps_helpers import HOT, make, tasks_of, write_night


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The masters of a small night: (tasks by name, output)."""
    root = tmp_path_factory.mktemp("view")
    tasks = tasks_of(write_night(root / "night"))
    make(tasks, root / "out")
    return tasks.masters, root / "out"


def test_a_master_is_shown_as_its_file_with_its_facts_in_words(made):
    tasks, output = made
    view = master_view(tasks["dark_90s_-10C"], output)
    file = read_master(output / "masters" / "dark_90s_-10C.fits", with_counts=True)
    np.testing.assert_array_equal(view.image, file.image)
    np.testing.assert_array_equal(view.uncertainty, file.uncertainty)
    np.testing.assert_array_equal(view.n_used, file.n_used)
    assert (view.kind, view.unit, view.holds_bias) == ("dark", "ADU", True)
    assert view.words[0] == "5 frames combined"
    assert "holds the bias" in view.words


def test_a_flat_has_no_unit_and_median_1(made):
    tasks, output = made
    view = master_view(tasks["flat_R"], output)
    assert (view.unit, view.holds_bias) == ("", False)
    assert "median 1" in view.words


def test_a_mask_counts_its_pixels_by_reason(made):
    tasks, output = made
    view = master_view(tasks["mask"], output)
    np.testing.assert_array_equal(view.image, read_mask(output / "masters" / "mask.fits"))
    assert view.image[HOT] & 2
    assert any(words.endswith(" hot") for words in view.words)


def test_a_master_that_was_not_made_is_named_with_the_command(made, tmp_path):
    tasks, _ = made
    with pytest.raises(NightError, match="has not been made yet"):
        master_view(tasks["bias"], tmp_path)
