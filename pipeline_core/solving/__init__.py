"""Plate solving: finding where on the sky a frame looks, from its stars alone."""
