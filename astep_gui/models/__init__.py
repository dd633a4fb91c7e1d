"""State of the window: what is opened, chosen and computed. Knows no widget."""
