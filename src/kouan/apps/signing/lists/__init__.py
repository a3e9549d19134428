"""Trust lists: whose certificates each side recognises, and since when."""
