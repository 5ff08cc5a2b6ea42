"""Records to files that people and programs open."""
