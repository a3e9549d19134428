"""Validation of signed documents: whatever its format, one pipeline, one report (ETSI EN 319 102-1).

``formats`` reads what is signed, ``engine`` judges, ``worker`` and ``pool`` keep hostile bytes away from the
node, ``report`` is what comes out. None of these reaches Django's settings or the database.
"""
