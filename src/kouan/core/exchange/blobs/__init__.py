"""Large files: sealed apart, fetched by whom they are for, and bound to the message that names them.

Read ``reference`` (what a message says of a file) and ``stream`` (how it is sealed) first. Then one
module a step: ``attaching`` seals, ``serving`` hands sealed bytes out at the door, ``expecting`` decides
whether there is room and holds the message back, ``fetching`` brings the bytes over, ``reading`` opens
them, ``cleaning`` removes them. docs/protocol.md has the rules.
"""
