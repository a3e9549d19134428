"""Pages and addresses of this app: one file for each of its parts."""
