"""The recipe as a TOML file: read with every mistake explained, written with every field's meaning beside it."""

from __future__ import annotations

import tomllib
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from pipeline_core.config import Recipe
from pipeline_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.events import RunContext

MAX_RECIPE_BYTES = 1_000_000

RECIPE_FILE = "recipe.toml"
"""The recipe that an output was made with, in the output."""

RULE_BREAK = "; "
"""Between the rules of a list where it is kept as one line; no rule holds it."""

DEFAULT = Path("default")
"""What a person names to go back to the default recipe."""


def load_recipe(path: Path | None) -> Recipe:
    """Read a recipe; what it does not name keeps its default.

    Parameters
    ----------
    path : Path or None
        None, or the word "default", gives the defaults.

    Returns
    -------
    Recipe

    Raises
    ------
    UsageError
        If the file is missing, no TOML, of a newer version, or holds unknown keys or values out of range; all
        mistakes are named at once.
    """
    if path is None or path == DEFAULT:
        return Recipe()
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise UsageError(f"cannot read the recipe {path}", "it is larger than a recipe can be", "name another file")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"cannot read the recipe {path}", "there is no such file", "check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the recipe {path}", str(error), "check the file") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"cannot read the recipe {path}", f"it is no TOML: {error}", "mend that line") from error
    return _migrated(values, path)


def recipe_for(output: Path, named: Path | None, context: RunContext) -> Recipe:
    """Return the recipe to reduce with: the one that was named, else the output's own, else the defaults.

    Parameters
    ----------
    output : Path
        Where products go; its ``recipe.toml`` is what it was made with.
    named : Path or None
        What the person named; "default" goes back to the defaults.
    context : RunContext
        Hears of it when the output's recipe is used and differs from the defaults.

    Raises
    ------
    UsageError
        See :func:`load_recipe`.

    Notes
    -----
    A recipe is a decision like any other: it stays until another one is named. A second run that forgot
    ``--recipe`` must not make the whole night anew with other settings.
    """
    own = output / RECIPE_FILE
    if named is not None or not own.is_file():
        return load_recipe(named)
    try:
        recipe = load_recipe(own)
    except UsageError as error:
        hint = "mend that file, name another with --recipe, or go back to the defaults with --recipe default"
        raise UsageError(error.what, error.why, hint) from error
    if recipe != Recipe():
        context.say(
            "recipe", f"using the recipe of this output again, {own}; --recipe default goes back to the defaults"
        )
    return recipe


def with_changes(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return a recipe with some fields changed, as the logbook keeps them.

    Parameters
    ----------
    recipe : Recipe
    changes : mapping
        Dotted name, ``"cosmic.sigclip"``, to value.

    Raises
    ------
    UsageError
        If there is no such field, or the value makes no sense for it.
    """
    if not changes:
        return recipe
    values = recipe.model_dump()
    for name, value in changes.items():
        section, _, field_name = name.partition(".")
        if not isinstance(values.get(section), dict):
            raise UsageError(f"cannot change {name} in the recipe", "there is no such section", "see recipe.toml")
        values[section][field_name] = _of_decision(type(getattr(recipe, section)), field_name, value)
    return _checked(values, "with the changes of the logbook")


def recipe_changes(old: Recipe, new: Recipe) -> dict[str, str | float | bool]:
    """Return what differs, by dotted name, with the new values as the logbook keeps them.

    Notes
    -----
    The logbook's None means "nothing was decided", so that a setting that is not set becomes "", and a list of
    rules one line with "; " between them. :func:`with_changes` understands both.
    """
    changes: dict[str, str | float | bool] = {}
    for name, section in new:
        before = getattr(old, name)
        for field_name in type(section).model_fields if isinstance(section, BaseModel) else ():
            value = getattr(section, field_name)
            if value != getattr(before, field_name):
                changes[f"{name}.{field_name}"] = _as_decision(value)
    return changes


def _as_decision(value: Any) -> str | float | bool:
    if value is None:
        return ""
    return RULE_BREAK.join(value) if isinstance(value, tuple) else value


def _of_decision(section: type[BaseModel], field_name: str, value: Any) -> Any:
    field = section.model_fields.get(field_name)
    if field is None or not isinstance(value, str):
        return value
    if typing.get_origin(field.annotation) is tuple:
        return tuple(part for part in value.split(RULE_BREAK) if part)
    is_optional = type(None) in typing.get_args(field.annotation)
    return None if is_optional and not value else value


def _migrated(values: dict[str, Any], path: Path) -> Recipe:
    version = values.get("version", 1)
    if isinstance(version, int) and version > 1:
        raise UsageError(
            f"cannot read the recipe {path}",
            f"it was written by a newer ASTEP Harvest (recipe version {version})",
            "update ASTEP Harvest, or write a new recipe",
        )
    return _checked(values, str(path))


def _checked(values: dict[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        mistakes = "; ".join(_mistake(found["loc"], found["type"], found["msg"]) for found in error.errors())
        raise UsageError(
            f"cannot use the recipe {source}", mistakes, "the recipe.toml of a reduced night lists every field"
        ) from error


def _mistake(place: tuple[int | str, ...], kind: str, message: str) -> str:
    """Say one mistake: where, and what; for a name that does not exist, which one may be meant."""
    words = _unknown(place) if kind == "extra_forbidden" else _in_words(message)
    return f"{'.'.join(str(part) for part in place)}: {words}"


def _unknown(place: tuple[int | str, ...]) -> str:
    sections = {
        name: list(field.annotation.model_fields)
        for name, field in Recipe.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    name = str(place[-1])
    if len(place) > 1:
        suggestion = did_you_mean(name, sections.get(str(place[0]), ()))
        words = "there is no such field"
    else:
        suggestion = did_you_mean(name, sections)
        words = "there is no such section"
    elsewhere = [section for section, fields in sections.items() if name in fields]
    if elsewhere:
        suggestion = f"it belongs under [{elsewhere[0]}]"
    return f"{words}; {suggestion}" if suggestion else words


def _in_words(message: str) -> str:
    """Drop pydantic's own opening; a rule is quoted as it was written."""
    ours = message.removeprefix("Value error, ")
    return ours if ours != message else message[:1].lower() + message[1:]


def recipe_toml(recipe: Recipe) -> str:
    """Return the recipe as TOML with each field's meaning as a comment; loading it gives the same recipe."""
    lines = [
        "# Recipe of ASTEP Harvest. What is left out keeps its default.",
        f"version = {recipe.version}",
        "",
    ]
    for name, section in recipe:
        if not isinstance(section, BaseModel):
            continue
        lines += [f"# {(type(section).__doc__ or '').strip().splitlines()[0]}", f"[{name}]"]
        for field_name, field in type(section).model_fields.items():
            lines.append(f"# {field.description}")
            value = getattr(section, field_name)
            lines.append(f"# {field_name} =" if value is None else f"{field_name} = {_toml(value)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    import tomli_w  # noqa: PLC0415 - only when a recipe is written

    return tomli_w.dumps({"v": value}, multiline_strings=False).removeprefix("v = ").strip()
