"""A service as data: what a department writes in one folder, and what is published of it."""
