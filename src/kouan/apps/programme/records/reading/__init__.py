"""Reading what a record says: files into text, text into meetings, every value with its sentence.

Rules and dictionaries alone (``data/*.toml``): what they do not find stays empty.
"""
