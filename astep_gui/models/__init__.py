"""What the window knows: state without widgets."""
