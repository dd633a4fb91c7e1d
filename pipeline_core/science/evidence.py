"""What is known of one science frame beside its baselines, before it is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

NAN = math.nan
# The clear reference is the best fifth: an ordinary frame lies 1.4 sigma below it, and 3.5 more is 1 in 4000.
FROM_CLEAR = 4.9
LOSS_MAG = 0.15
"""A loss of light below this is not called cloud or frost: a tenth of the night's exposure."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One science frame beside its baselines. NaN where not measured; "clear" is the clear reference of its group.

    Scatters are frame-to-frame standard deviations of the quantity before them.
    """

    is_alone: bool = False
    """No other frame of its group is measured: its clear reference is the frame itself."""
    stars: float = NAN
    stars_clear: float = NAN
    aligned: bool = True
    near_cloud: bool = False
    """A neighbour in time is dimmed."""
    loss_mag: float = NAN
    """Against the clear reference, the air mass taken off; positive is fainter."""
    depth_loss_mag: float = NAN
    """What the frame lost of its depth, by light, sky and width together: the figure that the quality table shows."""
    loss_neighbours_mag: float = NAN
    loss_scatter: float = 0.02
    loss_growth_mag: float = NAN
    """By how much the loss grows from frame to frame, over five frames around this one."""
    loss_unsteady_mag: float = NAN
    """Scatter of those five about their line."""
    patchy_mag: float = NAN
    """Scatter of the loss over the field beyond the errors."""
    patchy_clear_mag: float = NAN
    patch_mag: float = NAN
    """Loss of the most dimmed sixteenth of the field beyond the frame's own."""
    patch_clear_mag: float = NAN
    patch_scatter: float = 0.03
    persistence: float = NAN
    """Of the pattern of the loss from frame to frame: 1 fixed on the chip, 0 moving."""
    long_persistence: float = NAN
    """The same over five frames."""
    fwhm_px: float = NAN
    fwhm_clear_px: float = NAN
    """At this frame's air mass."""
    fwhm_reference_px: float = NAN
    """At the clear reference's own: one for the whole group."""
    airmass: float = NAN
    fwhm_scatter: float = 0.03
    """Relative."""
    halo: float = NAN
    halo_clear: float = NAN
    halo_neighbours: float = NAN
    halo_scatter: float = 0.01
    """Relative."""
    halo_share: float = NAN
    """Growth of the halo in units of the light that is missing, of all frames in the time of these five together."""
    reference_of: int = 0
    """Frames that are the clear reference, where this is one of them; 0 where it is none."""
    ellipticity: float = NAN
    ellipticity_clear: float = NAN
    ellipticity_scatter: float = 0.02
    ellipticity_angle_deg: float = NAN
    coherence: float = NAN
    trail_px: float = NAN
    """Length of an even trail, where the profile of the stars shows one."""
    sky: float = NAN
    sky_expected: float = NAN
    """From Sun, Moon and air mass; NaN when they are not known."""
    sky_uncertain: float = 0.0
    """Part of ``sky_expected`` that comes from rough models."""
    sky_jump: float = NAN
    """Sky over its neighbours', the explained change taken off; 1 is none."""
    sky_clear: float = NAN
    sky_scatter: float = 0.01
    """Relative."""
    noise: float = NAN
    noise_expected: float = NAN
    """From the sky's brightness, as the other frames show it."""
    noise_scatter: float = 0.02
    """Relative."""
    mesh_percent: float = NAN
    mesh_clear_percent: float = NAN
    mesh_scatter_percent: float = 0.1
    saturated_fraction: float = NAN
    saturated_clear: float = NAN
    off_track_px: float = NAN
    """Distance from where the neighbours say the field should be."""
    track_scatter_px: float = 0.3
    moved_px: float = NAN
    """By how much the field wandered in ``moved_h`` hours around this frame."""
    moved_h: float = NAN
    drift_px_per_hour: float = NAN
    sun_altitude_deg: float = NAN
    moon_altitude_deg: float = NAN
    streaks: int = 0
    may_freeze: bool = True
    """Whether ice can form on the optics, as far as the site tells; else only what is seen is named."""

    @property
    def own_reference(self) -> str:
        """Words, in brackets, where the frame is beside itself: no other one is as long."""
        if self.reference_of == 1:
            return " (it is the reference of its group itself)"
        whose = f" (it is one of the {self.reference_of} reference frames of its group itself)"
        return whose if self.reference_of else ""


def beyond(value: float, limit: float) -> bool:
    """Whether a measured value lies beyond a known limit; NaN decides nothing."""
    return value > limit
