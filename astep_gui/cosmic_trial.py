"""The settings of cosmic rays, tried on the part of a frame that is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.cosmic_preview_model import CosmicPreviewModel, part_of
from astep_gui.widgets.cosmic_preview import CosmicPreviewPanel

if TYPE_CHECKING:
    from astep_gui.models.night_model import NightModel
    from astep_gui.widgets.image_view import ImageView
    from astep_gui.widgets.settings_form import SettingsDialog


def try_cosmic_settings(model: NightModel, view: ImageView, dialog: SettingsDialog) -> None:
    """Show beside the settings what they do to the current frame, if it is one that they are for."""
    night, place, frame = model.night, model.place, model.frame(model.current)
    if night is None or place is None or frame is None or frame.kind.value != "science" or view.shown is None:
        return
    seen = view.view_rect()
    part = part_of(seen.left(), seen.top(), seen.right(), seen.bottom(), view.shown.shape)
    preview = CosmicPreviewModel(night, place.output, frame.path, part, dialog)
    dialog.set_beside("cosmic", CosmicPreviewPanel(preview, frame.name))
    dialog.edited.connect(preview.set_recipe)
    dialog.mistaken.connect(preview.set_nothing)
    dialog.finished.connect(preview.close)
    preview.set_recipe(dialog.recipe())
