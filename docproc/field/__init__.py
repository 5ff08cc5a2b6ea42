"""Field level: one field image to candidate glyphs."""
