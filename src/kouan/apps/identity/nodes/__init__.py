"""This node and the other sides' nodes: announcing providers, signing in there, telling of the end."""
