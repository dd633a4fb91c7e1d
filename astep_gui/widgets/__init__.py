"""What the window shows: widgets that show a model and say what a person asks for."""
