"""Diffusion Lessons: the helper package behind the notebooks.

Import the modules you need, for example ``from diffusion_lessons import schedules, forward``.
Nothing is computed, downloaded or loaded when this package is imported.
"""

__version__ = "0.2.0"
