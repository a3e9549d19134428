"""Pages of applicants: filling in, following, cosigning."""
