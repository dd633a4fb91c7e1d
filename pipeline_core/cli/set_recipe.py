"""``astep set OUT cosmic.sigclip=5``: a setting of the recipe, decided like anything else and taken back like it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import UsageError
from pipeline_core.recipe_file import recipe_changes, with_changes
from pipeline_core.session import Place, recipe_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pipeline_core.cli.talk import Talk
    from pipeline_core.logbook import Logbook


def named_settings(words: Sequence[str]) -> dict[str, str]:
    """Return the assignments to recipe fields (dotted name → text) among what stands behind ``astep set TARGET``."""
    pairs = (word.partition("=") for word in words)
    return {
        name: text
        for name, is_assignment, text in pairs
        if is_assignment and name.count(".") == 1 and all(part.isidentifier() for part in name.split("."))
    }


def set_recipe(
    settings: Mapping[str, str], arguments: argparse.Namespace, place: Place, logbook: Logbook, talk: Talk
) -> dict[str, Any]:
    """Decide settings of the recipe, as one step of undo.

    Raises
    ------
    UsageError
        If there is no such setting, it cannot have that value, or frames are named beside it.
    """
    beside = [word for word in arguments.patterns if word.partition("=")[0] not in settings]
    if beside:
        raise UsageError(
            f"cannot set the recipe for {beside[0]!r} alone",
            "a setting of the recipe holds for all frames",
            "leave the pattern out, and set fields of frames in a command of their own",
        )
    old = recipe_of(place, None)
    new = with_changes(old, {name: _value(text) for name, text in settings.items()})
    changes = recipe_changes(old, new)
    label = f"set {', '.join(f'{name}={text}' for name, text in settings.items())}"
    if changes:
        logbook.decide_recipe(changes, recipe_changes(new, old), reason=arguments.reason, label=label)
    for name in settings:
        section, _, field = name.partition(".")
        talk.say(f"{name} = {getattr(getattr(new, section), field)!r} in the recipe, for all frames")
    if not changes:
        talk.say("  nothing changed: it is so already")
    return {"set": {name: changes.get(name, text) for name, text in settings.items()}, "paths": []}


def _value(text: str) -> str | float | bool:
    """Read what was typed as TOML would (5, true), else as the words it is; a list's parts stand between "; "."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, bool | int | float | str) else text
