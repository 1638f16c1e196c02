"""What the lessons need beside the core: exercises, figures, sliders."""
