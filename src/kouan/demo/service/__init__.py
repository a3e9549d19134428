"""The demonstration's online service: one for each side, to which anybody of either side may sign in.

A website of a department's, as far as a demonstration needs one: a button to sign in, what the service then
knows, and a way out. It is a client of its side's node as any service is, through ``kouan.web.oidc``: pushed
requests, ``private_key_jwt``, PKCE, back-channel logout. Guangdong's has its tokens bound to a key as well
(DPoP), Hong Kong's takes bearer tokens: the two profiles for services with a key of their own.
``python -m kouan.demo.service`` refuses to start for a node that is no demonstration.
"""
