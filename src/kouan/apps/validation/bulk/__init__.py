"""Files of many rows: documents to register, or to take back, up to a million at a time.

A file waits sealed (``files``) until the worker has taken all of it in small pieces (``work``). ``reading``
finds the rows in it, ``rows`` says what they mean, ``starting`` begins a job, ``progress`` tells how far it
is.
"""
