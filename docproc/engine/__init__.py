"""Where pages are read: in this process, or in a pool of them."""
