"""Pages of this app: officers' contracts, persons' own data, and the auditors' register of flows."""
