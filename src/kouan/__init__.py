"""Kouan: the node with which two governments co-operate without sharing a database."""

__version__ = "0.1.0"
