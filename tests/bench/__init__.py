"""Speed and memory, as ratios in one run on one machine. Run by hand; nothing here asserts a time."""
