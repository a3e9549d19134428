"""Who comes to the door: TLS, whose certificate it is, and how much of the door one caller may take.

``roll`` knows the members' certificates, ``connection`` and ``server`` let their connections in within
bounds, ``allowance`` counts what each member does. What is asked and answered is ``door``'s business.
"""
