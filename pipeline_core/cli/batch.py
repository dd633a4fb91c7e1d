"""``astep batch``: several nights, one after the other; one that fails does not stop the next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK, EXIT_SOME_FAILED
from pipeline_core.cli.reduce import exit_code, reduce_one, reduction_document, show_reduction
from pipeline_core.cli.stopping import stoppable
from pipeline_core.errors import AstepError, UsageError
from pipeline_core.recipe_file import load_recipe
from pipeline_core.reduced_night_told import reduced_night_told
from pipeline_core.session import default_output

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Reduce each night and answer for all."""
    load_recipe(arguments.recipe)  # a mistake in it is said before the first night, not after each
    if arguments.into is not None:
        _check_names_differ(arguments.nights)
    documents: list[dict[str, Any]] = []
    codes: list[int] = []
    with stoppable(talk.context()) as context:
        for night in arguments.nights:
            context.check()
            output = arguments.into / default_output(night).name if arguments.into is not None else None
            talk.say(f"\n{night}")
            try:
                reduction = reduce_one(night, output, arguments, context)
                told = reduced_night_told(reduction, context)
            except AstepError as error:
                documents.append({"night": str(night), "error": error.as_dict()})
                codes.append(EXIT_NOTHING_DONE)
                if not talk.json_wanted:
                    talk.error(error)
                continue
            documents.append({"night": str(night), **reduction_document(reduction, told)})
            show_reduction(reduction, talk, told)
            codes.append(exit_code(reduction))
    talk.answer({"nights": documents})
    if all(code == EXIT_OK for code in codes):
        return EXIT_OK
    return EXIT_NOTHING_DONE if all(code == EXIT_NOTHING_DONE for code in codes) else EXIT_SOME_FAILED


def _check_names_differ(nights: list[Path]) -> None:
    """Refuse nights whose outputs would be one folder: the second would overwrite the first."""
    names = Counter(default_output(night).name.lower() for night in nights)
    for night in nights:
        if names[default_output(night).name.lower()] > 1:
            raise UsageError(
                f"cannot put the results of {night} beside those of another night",
                f"both would go into {default_output(night).name}",
                "reduce them without --into, or one by one with -o",
            )
