"""The form of a service: which JSON Schema it may be, what answers fit it, and what they say in words.

The subset of JSON Schema (2020-12) and the keywords of our own:

===================  =================================================================================
``type: object``     the form itself; inside it a section. A property of the form is one page
``type: array``      a list that grows: ``items`` is an object or a plain question; ``minItems``,
                     ``maxItems``
``type: string``     a line of text; ``maxLength``, ``minLength``, ``pattern``; ``format``: ``date``,
                     ``email``, ``uri``, ``tel``, ``textarea``, ``attachment`` (a file; ``x-media`` lists
                     types; the answer is the file's SHA-256 in hexadecimal, which binds the two)
``type: integer``    and ``number``: ``minimum``, ``maximum``
``type: boolean``    yes or no
``oneOf``            of ``{const, x-title}``: radio buttons or a list; ``enum`` alone is refused, it has
                     no words. Of the ``items`` of an array with ``uniqueItems``: checkboxes
``required``         as in JSON Schema
``if then else``     of an object: what is asked when an answer is so; ``if`` looks at answers beside it
                     and lists them in ``required``; several such rules stand in ``allOf``
``x-title``          the question, in the three scripts (``en``, ``zh_hant``, ``zh_hans``); each has one
``x-hint``           a sentence under it, in the three scripts
``x-error``          what to say when ``pattern`` does not fit, in the three scripts
``x-element``        the kind of data (``policy.elements``), several with spaces between; each question
                     has one
``x-prefill``        where a first value comes from: ``person.name``, ``person.document_number``,
                     ``person.email`` and the like, or ``evidence.REQUIREMENT.CLAIM``
``$defs``, ``$ref``  within the document; what stands beside a ``$ref`` goes before what it points to
===================  =================================================================================

An answer is addressed by its path: ``company.directors.0.name``. A line of text has at most 200
characters and a ``textarea`` 4,000 unless ``maxLength`` says otherwise; a list 20 items. Patterns run on
an engine of linear time, which knows no look-around and no references back.
"""

from __future__ import annotations

from kouan.apps.services.definition.answers import clean, kinds, wrong
from kouan.apps.services.definition.faults import faults
from kouan.apps.services.definition.shapes import (
    Answers,
    BadForm,
    Fault,
    Form,
    Line,
    Passage,
    Wrong,
)
from kouan.apps.services.definition.wording import in_words

__all__ = [
    "Answers", "BadForm", "Fault", "Form", "Line", "Passage", "Wrong", "clean", "faults", "in_words", "kinds",
    "wrong",
]  # fmt: skip
