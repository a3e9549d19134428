"""Django's SQLite backend with a queue for writers; named as ``ENGINE`` in the settings."""
