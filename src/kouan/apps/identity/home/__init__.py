"""This node as a relying party of its side's home identity provider: one file an adapter."""
