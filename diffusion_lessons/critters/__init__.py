"""Captioned little pictures, drawn by code, whose words can be checked."""
