"""Demonstrations: a throw-away pair of nodes, made-up people, and each capability shown step by step."""
