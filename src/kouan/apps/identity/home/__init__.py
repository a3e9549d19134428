"""This node as a relying party of its side's home identity provider: one file an adapter.

``adapter`` says what an adapter is, ``registry`` which there are and which of them this node uses.
"""
