"""Reads: what officers, persons and auditors see. They return frozen values."""
