"""One tree of errors for the whole node.

An error here is made to be read: by a program (``code``, ``status``, ``params``) and by a person
(``message``, translated when it is shown). Whatever a parser, a database or a library raises on
untrusted input is turned into one of these at the place where the input enters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrOrPromise

Param = str | int | float | bool | None


class KouanError(Exception):
    """Base of every error that may reach a person or a peer.

    Subclasses set ``code`` (stable, kebab-case), ``status`` (HTTP) and ``message``, a
    ``gettext_lazy`` string with ``%(name)s`` places that ``params`` fill. The message says what is
    wrong and what to do; params never hold secrets or identity numbers. What is a code for a program
    (a state, a side) has its ``words`` for the person.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[_StrOrPromise] = "Something went wrong."
    words: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    """Of a parameter that is a code, what the message says instead of it, in the active language."""
    retry_after: float | None = None
    """Seconds after which the same may succeed, where waiting is all that helps."""

    def __init__(self, **params: Param) -> None:
        self.params: dict[str, Param] = params
        super().__init__(params)

    def __str__(self) -> str:
        """Return the message in the active language, with its parameters in place."""
        said = {name: says(self.params[name]) for name, says in self.words.items() if name in self.params}
        return str(self.message) % (self.params | said)
