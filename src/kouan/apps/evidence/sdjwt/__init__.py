"""Selective Disclosure for JWTs (RFC 9901) and SD-JWT VC on joserfc: made, bound, taken apart and verified.

It knows no Django, no database and no issuer: whoever calls it brings the keys.
"""
