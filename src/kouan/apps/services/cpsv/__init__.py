"""The catalogue as CPSV-AP 3 (Core Public Service Vocabulary Application Profile), out and in."""
