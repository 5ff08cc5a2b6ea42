"""Character level: glyphs to calibrated digits."""
