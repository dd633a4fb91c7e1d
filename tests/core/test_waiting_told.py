"""A job says what it waits for where nothing can be counted; the diary does not keep it."""

import json

import pytest

from pipeline_core import journal
from pipeline_core.catalogues.provider import CatalogueProvider
from pipeline_core.catalogues.services import CatalogueServiceError
from pipeline_core.catalogues.tile_cache import TileCache
from pipeline_core.events import WAITS, RunContext


def test_what_is_waited_for_is_told_and_taken_back_even_if_it_fails():
    heard = []
    context = RunContext(heard.append)
    with pytest.raises(ZeroDivisionError), context.waiting("Gaia's archive"):
        raise ZeroDivisionError
    assert [(event.kind, event.job, event.data[WAITS]) for event in heard] == [
        ("started", "Gaia's archive", True),
        ("finished", "Gaia's archive", True),
    ]


def test_the_diary_keeps_what_happened_and_not_what_was_waited_for(tmp_path):
    file = tmp_path / "log.jsonl"
    context = journal.into_file(RunContext(), file)
    with context.waiting("Gaia's archive"):
        context.say("solve", "one frame solved")
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["one frame solved"]


def test_the_network_is_named_with_what_is_asked_of_it(tmp_path):
    class Silent:
        name = "Gaia's archive"

        def tiles(self, tiles, faintest_mag, context):
            raise CatalogueServiceError("no answer", "the line is down", "wait")

    heard = []
    provider = CatalogueProvider(TileCache(tmp_path), services=[Silent()], context=RunContext(heard.append))
    provider.fetch([4711], RunContext())
    assert [event.job for event in heard if WAITS in event.data] == ["Gaia's archive: one catalogue tile"] * 2
