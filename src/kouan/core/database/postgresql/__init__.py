"""PostgreSQL, for a node that several processes or machines share: the engine behind ``postgresql://``."""
