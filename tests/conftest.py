"""What every test shares; the node itself is made in ``own_node.py``."""
