"""This node as an OpenID Provider: for the services of its side, and for the other sides' nodes.

A service of this side comes to the portal. A peer's node comes through the door, as the client that its TLS
certificate says it is. Both follow the same way: request, sign-in, consent, code, tokens.
"""
