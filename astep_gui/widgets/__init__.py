"""What the window shows: widgets that show and ask, and decide nothing."""
