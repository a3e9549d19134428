"""Unified identity authentication: signed in at home, recognised on the other side."""
