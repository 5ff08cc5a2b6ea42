"""Training glyphs out of the pipeline: marks written on printed paper, captured badly, cut by `fields.propose`.

stock        many sheets, on several processes
sheet        one sheet, from marks to labeled glyphs
papers       what is under the writing: backgrounds, textures, security print
rulings      printed boxes, combs, lines
arrangement  fields on a sheet, and marks in them
hands        pens, pressure, size, how a hand leaves its boxes
exposure     scanned, copied to black and white, or photographed
attribution  what a cut glyph shows: one mark whole, several, only print, or none for sure
"""
