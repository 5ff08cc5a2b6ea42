"""The review: a local web page on which people look at doubtful fields, one a screen, by keys alone."""
