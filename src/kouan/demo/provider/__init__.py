"""The demonstration's home identity provider: one for each side, where everybody may be anybody.

A small OpenID Provider (code flow with PKCE, ES256, RP-initiated and back-channel logout) whose page asks
"who are you today?" and lists residents who are made up. It runs beside a demonstration's node and keeps
all in memory. ``python -m kouan.demo.provider`` refuses to start for a node that is no demonstration.

It also answers what an issuer of documents is asked when accounts are linked: whether two documents are one
person's (``POST /issuer/match``).
"""
