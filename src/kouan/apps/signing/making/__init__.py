"""Making signatures: documents signed with a token, by a remote service, or by a person's own wallet.

``keys`` says who signs and with what; ``cms`` and ``pdf`` make what is signed; ``orders`` waits for a
signature that somebody makes elsewhere; ``renewal`` keeps signatures provable for as long as the documents
are kept.
"""
