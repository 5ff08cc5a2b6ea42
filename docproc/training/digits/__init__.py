"""What is learned from: people's digits, drawn digits and marks, and how another hand bends them.

datasets      labeled digits of all sources, put on canvases, whole writers kept apart
styles        digits drawn as European hands write them; shapes has each style, strokes the pen
negatives     marks that are no digits: crosses, dashes, letters, scribbles, joined and struck digits
augmentation  bends a canvas as writers differ, ages it as scans do
"""
