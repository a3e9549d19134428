"""What a node does about an older database, its own or its peer's: notice, halt, agree, go on.

A node that goes back in time has forgotten numbers that it gave out, receipts that it signed and a ledger
that others have co-signed. Going on as if nothing had happened would contradict all three. So nodes tell
each other where they stand (``forms``), with what the other side itself has signed as proof; each judges
by that what it has lost (``judging``), halts durably (``halts``), and resumes only when operators of both
sides have agreed (``resync``), after fetching back what the other side still holds (``recall``).
"""
