"""Long files of tests begin first."""

from pathlib import Path
from types import SimpleNamespace

from tests import longest_first as order

TESTS = Path(__file__).parents[1]


def test_long_files_come_first_and_all_else_stays_in_its_order(monkeypatch):
    monkeypatch.setattr(order, "LONGEST", ("gui/test_c.py", "core/test_b.py"))
    files = ["core/test_a.py", "core/test_b.py", "core/test_b.py", "core/test_d.py", "gui/test_c.py"]
    items = [SimpleNamespace(path=TESTS / name, number=number) for number, name in enumerate(files)]
    order.longest_first(items, TESTS)
    assert [item.number for item in items] == [4, 1, 2, 0, 3]


def test_every_long_file_is_there_and_named_once():
    assert order.LONGEST
    assert [name for name in order.LONGEST if not (TESTS / name).is_file()] == []
    assert len(set(order.LONGEST)) == len(order.LONGEST)
