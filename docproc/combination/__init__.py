"""Two readers of one field, and one chance: by its glyphs, and as a whole line.

card         what the reader of lines is, and how much each one's word counts
line_reader  the network of whole lines
witness      a third, asked on request where the two are in doubt
pooling      what they say, put together
"""
