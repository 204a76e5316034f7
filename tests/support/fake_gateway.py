"""The account in memory: a `Gateway` with the API's meaning, odd habits to switch on, and scripted troubles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from threading import RLock
from typing import Any, Final, Literal, TypeAlias, cast

from support.fake_clock import FakeClock
from support.habits import Habits, Readings, alike

from reconciler.errors import ReconcilerError
from reconciler.model.address import Kind
from reconciler.model.field import FIELDS
from reconciler.model.state import LiveResource, LiveState
from reconciler.model.value import ABSENT, MINIMUM, WORLDWIDE, Fields, Floors, Value, complete
from reconciler.ports import Accepted, Ambiguous, Answer, Clock, NotSent, Rejected

Operation: TypeAlias = Literal["apps", "placements", "find", "create", "update", "delete"]
WRITES: Final = frozenset({"create", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Lost:
    """The answer to a write is lost, before or after it was done; a create is done so many seconds `late`."""

    committed: bool
    why: str = "the connection was lost"
    hidden_reads: int = 0
    late: float = 0


@dataclass(frozen=True, slots=True)
class Silent:
    """The write is done, and its answer says nothing of the resource but its id."""


@dataclass(frozen=True, slots=True)
class Echoed:
    """The update is answered with what it sent, and changes nothing."""


@dataclass(frozen=True, slots=True)
class OldId:
    """The create is answered with the id of this resource, done or not; with its fields where the answer `said` any."""

    id: str
    made: bool = True
    said: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The write is answered with a status that speaks of a refusal, and may be `done` all the same."""

    status: int
    done: bool


@dataclass(frozen=True, slots=True)
class Leaving:
    """A list comes without these ids."""

    ids: frozenset[str]


Trouble: TypeAlias = Lost | Silent | Echoed | OldId | Refused | Leaving | Rejected | NotSent | ReconcilerError | None
"""What happens at one call; None: nothing out of the way."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it was made. `id` is the resource's, or the app's whose list was read."""

    operation: Operation
    kind: Kind
    id: str | None = None
    fields: Fields = field(default_factory=dict)


NOTHING: Final = LiveState(())
PLAIN: Final = Habits()


class FakeGateway:
    """One publisher's account. Safe to call from many threads at once. Lag is counted on the clock.

    `sent_for` holds, by id, what the create of a resource sent, however it was kept.
    """

    def __init__(self, live: LiveState = NOTHING, habits: Habits = PLAIN, clock: Clock | None = None) -> None:
        self.calls: list[Call] = []
        self.sent_for: dict[str, Fields] = {}
        self._habits = habits
        self._clock = clock or FakeClock()
        self._readings = Readings(habits)
        self._resources: dict[str, LiveResource] = {}
        self._late: list[tuple[float, Kind, Fields, str | None]] = []
        self._answers: dict[Kind, Accepted] = {}
        self._echoed = 0
        for each in (*live.apps, *(each for placements in live.placements.values() for each in placements)):
            self._resources[each.id] = each
            self._readings.put(-inf, each)
        self._last_id = max([900, *(int(each) for each in self._resources if each.isdigit())])
        self._hidden: dict[str, int] = {}
        self._troubles: dict[tuple[Operation, str | None], list[Trouble]] = {}
        self._lock = RLock()

    def script(self, operation: Operation, *troubles: Trouble, of: str | None = None) -> None:
        """What happens at the next calls of an operation; `of` is the name or id of the one resource meant."""
        self._troubles.setdefault((operation, of), []).extend(troubles)

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.operation in WRITES]

    def resource(self, resource_id: str) -> LiveResource | None:
        """The resource itself, whatever is hidden or never shown; None where there is none."""
        with self._lock:
            self._carry_out_late()
        return self._resources.get(resource_id)

    def named(self, name: str) -> list[LiveResource]:
        """Every resource of that name, hidden ones too."""
        with self._lock:
            self._carry_out_late()
        return [each for each in self._resources.values() if each.name == name]

    def meddle(self, resource_id: str, **fields: Value) -> None:
        """Somebody changes a resource in the console."""
        with self._lock:
            self._store(self._resources[resource_id], fields)

    def remove(self, resource_id: str) -> None:
        """Somebody deletes a resource in the console, and with an app its placements."""
        with self._lock:
            inside = [each.id for each in self._resources.values() if each.app_id == resource_id]
            for gone in (resource_id, *inside):
                del self._resources[gone]
                self._readings.end(self._clock.monotonic(), gone)

    def state(self) -> LiveState:
        """All that is there, whatever is hidden or never shown."""
        with self._lock:
            self._carry_out_late()
            everything = tuple(self._resources.values())
        apps = tuple(each for each in everything if each.kind == "app")
        return LiveState(apps, {app.id: tuple(each for each in everything if each.app_id == app.id) for app in apps})

    def apps(self) -> tuple[LiveResource, ...]:
        with self._lock:
            self.calls.append(Call("apps", "app"))
            return self._list("apps", None, [each for each in self._listed() if each.kind == "app"])

    def placements(self, app_id: str, *, expected: bool, blocks: Any = None) -> tuple[LiveResource, ...]:  # noqa: ARG002 - the port asks for it
        with self._lock:
            self.calls.append(Call("placements", "placement", app_id))
            return self._list("placements", app_id, [each for each in self._listed() if each.app_id == app_id])

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        with self._lock:
            self.calls.append(Call("find", kind, resource_id))
            self._carry_out_late()
            _raised(self._trouble("find", resource_id))
            found = self._readings.found(self._clock.monotonic(), resource_id)
            return None if found is None or resource_id in self._hidden else self._shown(found)

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        with self._lock:
            self.calls.append(Call("create", kind, app_id, dict(fields)))
            self._carry_out_late()
            trouble = _raised(self._trouble("create", str(fields["name"])))
            if (refused := _refused(trouble)) is not None:
                return refused
            if app_id is not None and app_id not in self._resources:
                return Rejected(404, "no such app")
            if isinstance(trouble, Lost) and trouble.late:
                self._late.append((self._clock.monotonic() + trouble.late, kind, dict(fields), app_id))
                return Ambiguous(trouble.why)
            if (given := self._given_before(trouble, kind, fields, app_id)) is not None:
                return given
            newest = self._newest(kind)
            made = self._made(kind, fields, app_id)
            hidden = trouble.hidden_reads if isinstance(trouble, Lost) else self._habits.hidden_reads
            if hidden:
                self._hidden[made.id] = hidden
            if isinstance(trouble, OldId):
                return self._as_old(trouble.id, said=trouble.said)
            answer = self._answer(trouble, made, fields)
            return self._shifted(kind, answer, newest) if isinstance(answer, Accepted) else answer

    def update(self, before: LiveResource, fields: Fields) -> Answer:
        with self._lock:
            self.calls.append(Call("update", before.kind, before.id, dict(fields)))
            trouble = _raised(self._trouble("update", before.name, before.id))
            if (refused := _refused(trouble)) is not None:
                return refused
            known = self._resources.get(before.id)
            if known is None:
                return Rejected(404, "no such resource")
            if isinstance(trouble, Echoed) or self._echoed < self._habits.echoes:
                self._echoed += 1
                return Accepted(known.id, {**_spoken(self._shown(known)), **_as_stored(fields)})
            if self._habits.floors_merge and isinstance(table := fields.get("floorPrices"), Mapping):
                there = known.fields.get("floorPrices")
                fields = {**fields, "floorPrices": {**(there if isinstance(there, Mapping) else {}), **table}}
            if self._habits.put_replaces:
                fixed = {name: known.fields[name] for name in _KEPT[known.kind] if name in known.fields}
                self._resources[known.id] = known = LiveResource(
                    known.kind, known.id, _born(known.kind, fixed), known.app_id
                )
            return self._answer(trouble, self._store(known, self._kept(known.kind, fields)), fields)

    def delete(self, kind: Kind, resource_id: str) -> Answer:
        with self._lock:
            self.calls.append(Call("delete", kind, resource_id))
            trouble = _raised(self._trouble("delete", resource_id))
            if (refused := _refused(trouble)) is not None:
                return refused
            if resource_id not in self._resources:
                return Rejected(404, "no such resource")
            self.remove(resource_id)
            if isinstance(trouble, Refused):
                return Rejected(trouble.status, "a refusal")
            return Ambiguous(trouble.why) if isinstance(trouble, Lost) else Accepted(resource_id)

    def _trouble(self, operation: Operation, *names: str | None) -> Trouble:
        for name in (*names, None):
            queue = self._troubles.get((operation, name))
            if queue:
                return queue.pop(0)
        return None

    def _list(
        self, operation: Operation, app_id: str | None, resources: Iterable[LiveResource]
    ) -> tuple[LiveResource, ...]:
        trouble = _raised(self._trouble(operation, app_id))
        left_out = trouble.ids if isinstance(trouble, Leaving) else frozenset()
        listed = []
        for each in resources:
            if each.id in self._hidden:
                self._hidden[each.id] -= 1
                if not self._hidden[each.id]:
                    del self._hidden[each.id]
            elif each.id not in left_out:
                listed.append(self._shown(each))
        return tuple(listed)

    def _listed(self) -> list[LiveResource]:
        self._carry_out_late()
        return self._readings.listed(self._clock.monotonic())

    def _carry_out_late(self) -> None:
        """Do the creates that were given up and whose time has come, in the order in which it came."""
        now = self._clock.monotonic()
        for due in sorted((each for each in self._late if each[0] <= now), key=lambda each: each[0]):
            self._late.remove(due)
            at, kind, fields, app_id = due
            if app_id is None or app_id in self._resources:
                self._made(kind, fields, app_id, at)

    def _given_before(self, trouble: Trouble, kind: Kind, fields: Fields, app_id: str | None) -> Answer | None:
        """The answer to a create that is not carried out, as an old id is given instead; None where it is."""
        if isinstance(trouble, OldId) and not trouble.made:
            return self._as_old(trouble.id, said=trouble.said)
        if trouble is not None:
            return None
        if self._habits.old_ids == "replay" and (first := self._answers.get(kind)) is not None and first.id:
            return self._as_old(first.id, said=self._habits.old_ids_say)
        key = "name" if kind == "placement" else "bundle"
        wanted = alike(str(fields.get(key, "")))
        same = (each for each in self._resources.values() if (each.kind, each.app_id) == (kind, app_id))
        twin = next((each for each in same if alike(str(each.fields.get(key, ""))) == wanted), None)
        if self._habits.old_ids == "dedup" and twin is not None:
            return self._as_old(twin.id, said=self._habits.old_ids_say)
        return None

    def _newest(self, kind: Kind) -> str | None:
        return next((each.id for each in reversed(self._resources.values()) if each.kind == kind), None)

    def _shifted(self, kind: Kind, due: Accepted, newest: str | None) -> Answer:
        """The answer that is given where `due` would be; `newest` was the newest resource of its kind before."""
        before = self._answers.get(kind)
        if before is None or self._habits.old_ids == "shift":
            self._answers[kind] = due
        if self._habits.old_ids != "shift":
            return due
        old = newest if before is None else before.id
        return due if old is None else self._as_old(old, said=self._habits.old_ids_say)

    def _as_old(self, resource_id: str, *, said: bool) -> Accepted:
        known = self._resources.get(resource_id)
        return Accepted(resource_id, _spoken(self._shown(known)) if said and known is not None else {})

    def _kept(self, kind: Kind, fields: Fields) -> Fields:
        return fields if self._habits.keeps is None else self._habits.keeps(kind, fields)

    def _made(self, kind: Kind, fields: Fields, app_id: str | None, at: float | None = None) -> LiveResource:
        self._last_id += 1
        self.sent_for[str(self._last_id)] = dict(fields)
        fields = self._kept(kind, fields)
        sent = {name: value for name, value in fields.items() if (kind, name) != ("placement", "status")}
        if kind == "app":
            sent["name"] = self._habits.store_name(str(fields["name"]))
        made = LiveResource(kind, str(self._last_id), _born(kind, sent), app_id)
        self._resources[made.id] = made
        self._readings.put(self._clock.monotonic() if at is None else at, made)
        return made

    def _store(self, known: LiveResource, fields: Fields) -> LiveResource:
        stored = LiveResource(known.kind, known.id, {**known.fields, **_as_stored(fields)}, known.app_id)
        self._resources[known.id] = stored
        self._readings.put(self._clock.monotonic(), stored)
        return stored

    def _answer(self, trouble: Trouble, resource: LiveResource, sent: Fields) -> Answer:
        if isinstance(trouble, Lost):
            return Ambiguous(trouble.why)
        if isinstance(trouble, Refused):
            return Rejected(trouble.status, "a refusal")
        if isinstance(trouble, Silent) or self._habits.silent:
            return Accepted(resource.id)
        echoed = _as_stored(sent) if self._habits.echoes_normalised else {}
        return Accepted(resource.id, {**_spoken(self._shown(resource)), **echoed})

    def _shown(self, resource: LiveResource) -> LiveResource:
        kept = {name: value for name, value in resource.fields.items() if name not in self._habits.never_returned}
        return LiveResource(
            resource.kind, resource.id, {**when_unset(resource.kind, resource.fields), **kept}, resource.app_id
        )


_KEPT: Final[Mapping[Kind, tuple[str, ...]]] = {
    "app": ("platform", "bundle", "name", "category1", "category2"),
    "placement": ("name", "placementType"),
}


def when_unset(kind: Kind, fields: Fields) -> Fields:
    """What a full answer's silence means, for a resource with these fields."""
    return {
        spec.name: spec.when_unset
        for spec in FIELDS[kind].values()
        if spec.when_unset is not ABSENT and spec.only_for in {None, fields.get("placementType")}
    }


def _born(kind: Kind, sent: Fields) -> Fields:
    """The fields of a resource made with what was sent: active, not for children, without floors."""
    floors: dict[str, Value] = {"floorPrices": {WORLDWIDE: MINIMUM}} if kind == "placement" else {}
    if sent.get("placementType") == "Banner":
        floors["bannerRefresh"] = 30
    return {**when_unset(kind, sent), "status": "active", "coppa": False, **floors, **_as_stored(sent)}


def _as_stored(fields: Fields) -> Fields:
    stored = dict(fields)
    if isinstance(table := stored.get("floorPrices"), Mapping):
        stored["floorPrices"] = complete(cast("Floors", table))
    return stored


def _spoken(resource: LiveResource) -> Fields:
    return {name: value for name, value in resource.fields.items() if value is not None}


def _raised(trouble: Trouble) -> Trouble:
    if isinstance(trouble, ReconcilerError):
        raise trouble
    return trouble


def _refused(trouble: Trouble) -> Answer | None:
    """The answer to a write that is not done, None where it is."""
    if isinstance(trouble, Lost):
        return None if trouble.committed else Ambiguous(trouble.why)
    if isinstance(trouble, Refused):
        return None if trouble.done else Rejected(trouble.status, "a refusal")
    return trouble if isinstance(trouble, Rejected | NotSent) else None
