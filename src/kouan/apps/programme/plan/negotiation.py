"""How two sides come to one text: proposal, counter-proposal, acceptance, refusal, withdrawal.

Each node keeps a table of what was proposed for one plan, or for one meeting's minutes, and brings it up
to date by what its own officers do and by what the other side's messages say. Messages of one side arrive in
the order in which they were sent; what the two sides do at one moment crosses on the way. So a table knows no
clock. Its rules, which lead both nodes to the same version in effect:

- A text names the side that proposes it, so no two proposals are the same text.
- A side has one proposal on the table: its next one takes the place of the one before, and of what it
  answers.
- Where both sides have one, each made before it knew the other's, the one with the lower digest stands. Once
  that is off the table, the other one stands.
- An acceptance counts, whatever its proposer did meanwhile: both have signed the same text. Withdrawing or
  refusing comes too late then.
- A text takes the place of the version in effect that it names. Once another version is in effect, it is
  overruled.
- Should each side have accepted the other's text at one moment, that with the lower digest counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class State(StrEnum):
    """What became of a proposal."""

    PROPOSED = "proposed"
    """It is on the table."""
    COUNTERED = "countered"
    """The other side has put another text in its place."""
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    SIGNED = "signed"
    """Both have signed it: the version in effect."""
    REPLACED = "replaced"
    """A later version that both signed has taken its place."""
    OVERRULED = "overruled"
    """Another text came into effect first."""


class Impossible(Exception):
    """What cannot be done as things stand; the text is a short name of why."""


UNKNOWN = "unknown"
TWICE = "twice"
STALE = "stale"
NOT_STANDING = "not-standing"
NOT_OURS = "not-ours"
OVER = "over"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that one side has signed and put before the other."""

    digest: bytes
    ours: bool
    replaces: bytes | None
    state: State = State.PROPOSED


@dataclass(slots=True)
class Table:
    """All that was ever proposed for one subject, as one node knows it."""

    proposals: dict[bytes, Proposal] = field(default_factory=dict)
    changed: set[bytes] = field(default_factory=set)
    """The digests of those whose state has changed since the table was made."""

    @property
    def in_effect(self) -> Proposal | None:
        """The version that both have signed, and that no later one has replaced."""
        return next((each for each in self.proposals.values() if each.state is State.SIGNED), None)

    @property
    def standing(self) -> Proposal | None:
        """The proposal that may be accepted now, if it is the other side's."""
        return min(
            (each for each in self.proposals.values() if each.state is State.PROPOSED),
            key=lambda each: each.digest,
            default=None,
        )

    def live(self, *, ours: bool) -> Proposal | None:
        """Return what a side has on the table."""
        return next(
            (each for each in self.proposals.values() if each.state is State.PROPOSED and each.ours is ours),
            None,
        )

    # What this side's officers do; each raises ``Impossible`` and changes nothing then.

    def propose(self, digest: bytes, *, replaces: bytes | None) -> bytes | None:
        """Put a text of ours on the table; return the digest of the proposal that it answers."""
        if digest in self.proposals:
            raise Impossible(TWICE)
        if replaces != self._base:
            raise Impossible(STALE)
        theirs = self.live(ours=False)
        self._put(digest, ours=True, replaces=replaces, answers=None if theirs is None else theirs.digest)
        return theirs.digest if theirs is not None else None

    def accept(self, digest: bytes) -> None:
        """Sign the other side's standing proposal."""
        found = self._known(digest)
        if found.ours:
            raise Impossible(NOT_OURS)
        if found is not self.standing:
            raise Impossible(NOT_STANDING if found.state is State.PROPOSED else OVER)
        self._sign(found)

    def refuse(self, digest: bytes) -> None:
        """Refuse the other side's proposal."""
        found = self._known(digest)
        if found.ours or found.state is not State.PROPOSED:
            raise Impossible(NOT_OURS if found.ours else OVER)
        self._turn(found, State.REFUSED)

    def withdraw(self, digest: bytes) -> None:
        """Take a proposal of ours off the table."""
        found = self._known(digest)
        if not found.ours or found.state is not State.PROPOSED:
            raise Impossible(NOT_OURS if not found.ours else OVER)
        self._turn(found, State.WITHDRAWN)

    # What the other side's messages say; ``Impossible`` refuses the message.

    def proposed(self, digest: bytes, *, replaces: bytes | None, answers: bytes | None) -> None:
        """Take in a proposal of the other side."""
        if digest in self.proposals:
            raise Impossible(TWICE)
        if replaces != self._base:
            raise Impossible(STALE)
        self._put(digest, ours=False, replaces=replaces, answers=answers)

    def accepted(self, digest: bytes) -> None:
        """Take in that the other side has signed a proposal of ours."""
        found = self._known(digest)
        if not found.ours:
            raise Impossible(NOT_OURS)
        if found.state in {State.SIGNED, State.REPLACED}:
            return
        now = self.in_effect
        if found.replaces == self._base:
            self._sign(found)
        elif now is not None and now.replaces == found.replaces:
            if found.digest < now.digest:
                self._turn(now, State.OVERRULED)
                self._sign(found)
            else:
                self._turn(found, State.OVERRULED)
        else:
            raise Impossible(STALE)

    def refused(self, digest: bytes) -> None:
        """Take in that the other side refuses a proposal of ours, or could not take it."""
        found = self._known(digest)
        if not found.ours:
            raise Impossible(NOT_OURS)
        if found.state is State.PROPOSED:
            self._turn(found, State.REFUSED)

    def withdrawn(self, digest: bytes) -> None:
        """Take in that the other side has taken its proposal off the table.

        That comes too late once it is signed, and is nothing new where the proposal could not be taken in.
        """
        found = self.proposals.get(digest)
        if found is None:
            return
        if found.ours:
            raise Impossible(NOT_OURS)
        if found.state in {State.PROPOSED, State.COUNTERED}:
            self._turn(found, State.WITHDRAWN)

    def unsigned(self, digest: bytes) -> None:
        """Take in that our acceptance never reached the other side: the version before counts again."""
        found = self._known(digest)
        if found.ours or found.state is not State.SIGNED:
            return
        self._turn(found, State.PROPOSED)
        before = self.proposals.get(found.replaces) if found.replaces is not None else None
        if before is not None and before.state is State.REPLACED:
            self._turn(before, State.SIGNED)

    @property
    def _base(self) -> bytes | None:
        now = self.in_effect
        return None if now is None else now.digest

    def _known(self, digest: bytes) -> Proposal:
        if digest not in self.proposals:
            raise Impossible(UNKNOWN)
        return self.proposals[digest]

    def _put(self, digest: bytes, *, ours: bool, replaces: bytes | None, answers: bytes | None) -> None:
        before = self.live(ours=ours)
        if before is not None:
            self._turn(before, State.WITHDRAWN)
        answered = None if answers is None else self.proposals.get(answers)
        if answered is not None and answered.ours is not ours and answered.state is State.PROPOSED:
            self._turn(answered, State.COUNTERED)
        self.proposals[digest] = Proposal(digest, ours, replaces)
        self.changed.add(digest)

    def _sign(self, found: Proposal) -> None:
        before = self.in_effect
        if before is not None:
            self._turn(before, State.REPLACED)
        self._turn(found, State.SIGNED)
        for each in list(self.proposals.values()):
            if each.state is State.PROPOSED:
                self._turn(each, State.OVERRULED)

    def _turn(self, found: Proposal, state: State) -> None:
        self.proposals[found.digest] = replace(found, state=state)
        self.changed.add(found.digest)
