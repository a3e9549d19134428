"""The node's addresses: a name leads to one of them, whichever app asks."""

from __future__ import annotations

from collections import Counter

from django.urls import URLResolver, get_resolver


def named(resolver, spaces=(), arguments=frozenset()):
    """Yield each address by what it is asked for: its namespaces, its name and its arguments."""
    for each in resolver.url_patterns:
        taken = arguments | set(each.pattern.regex.groupindex)
        if isinstance(each, URLResolver):
            yield from named(each, (*spaces, each.namespace) if each.namespace else spaces, taken)
        elif each.name:
            yield spaces, each.name, taken


def test_no_two_addresses_answer_to_one_name_and_the_same_arguments():
    found = Counter(named(get_resolver()))
    assert len(found) > 100
    assert [each for each, count in found.items() if count > 1] == []
