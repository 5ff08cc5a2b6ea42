"""Two readers of one field, and one chance: by its glyphs, and as a whole line.

line_reader  the network of whole lines, and its card
pooling      what both say, put together
"""
