"""What stays on the chip is no satellite."""

from pipeline_core.science.fixed_lines import recurring

SHAPE = (1000, 1200)


def test_a_line_seen_at_the_same_place_in_another_frame_recurs():
    scratch, again = (100.0, 200.0, 700.0, 260.0), (260.0, 214.0, 690.0, 261.0)
    satellite = (50.0, 900.0, 900.0, 100.0)
    assert recurring([(scratch, satellite), (), (again,)], SHAPE) == [[True, False], [], [True]]


def test_two_satellites_on_parallel_or_crossing_ways_do_not_recur():
    one, beside, across = (100.0, 200.0, 700.0, 260.0), (100.0, 230.0, 700.0, 290.0), (100.0, 260.0, 700.0, 200.0)
    assert recurring([(one,), (beside,), (across,)], SHAPE) == [[False]] * 3


def test_two_pieces_of_one_straight_line_that_do_not_overlap_are_not_the_same():
    assert recurring([((0.0, 0.0, 300.0, 30.0),), ((600.0, 60.0, 900.0, 90.0),)], SHAPE) == [[False], [False]]


def test_two_lines_of_one_frame_prove_nothing():
    line = (100.0, 200.0, 700.0, 260.0)
    assert recurring([(line, line)], SHAPE) == [[False, False]]
