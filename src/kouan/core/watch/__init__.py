"""What a node tells of itself while it runs: figures, logs and traces. It decides nothing.

``channel`` is what the exchange calls, once a batch; the rest is behind it. A node that cannot be watched
still works: nothing here raises into what it watches.
"""
