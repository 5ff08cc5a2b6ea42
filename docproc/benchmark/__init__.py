"""How fast is docproc on this machine? Pages are drawn once, read, and their cost is counted: `docproc bench`."""
