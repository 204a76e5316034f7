"""What an update does beside what it was sent to do: what may be reset by it, and what a reading or an answer shows.

A value in another form is no reset, nor is what goes with something that was sent.
"""

from collections.abc import Container
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.apply.context import ExecutionContext
from reconciler.apply.verify import is_form_of
from reconciler.diff.change import Action
from reconciler.model.address import Address, Kind
from reconciler.model.field import WRITABLE
from reconciler.model.habits import UNSET, dependents
from reconciler.model.state import LiveResource
from reconciler.model.value import ABSENT, Absent, Fields, Value, value_text
from reconciler.ports import Accepted, Answer


@dataclass(frozen=True, slots=True)
class Sending:
    """An update that is to be sent: the fields that are to change, of a live resource as it was read.

    `unshown` holds what is known of fields that the account takes and does not show.
    """

    address: Address
    action: Action
    before: LiveResource
    sent: Fields
    unshown: Fields = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Whether an app or a placement is updated."""
        return self.before.kind


def values_off(live: LiveResource) -> Fields:
    """The values that are shown of blocks that are off."""
    return {name: value for name, value in live.spelled.items() if live.fields.get(name) is None}


def lost_text(before: LiveResource, back: LiveResource) -> str:
    """What is gone of the values of blocks that are off: they are sent as such, and the account may forget them."""
    now = values_off(back)
    lost = [
        f"{name} was {value_text(value)}"
        for name, value in sorted(values_off(before).items())
        if back.fields.get(name) is None and now.get(name) != value
    ]
    return f"values of blocks that are off are not shown any more ({', '.join(lost)})" if lost else ""


def reset_fields(sending: Sending, after: LiveResource, context: ExecutionContext) -> Fields:
    """The fields that were not sent and are not as before, with their values before.

    A value in another form is no reset, nor is what went with something that was sent. A block that was not shown
    counts as off only where the account shows such blocks at all.
    """
    before, follows = sending.before, dependents(sending.sent, sending.before.fields)
    returned = context.seen.fields_returned_for(before.fields)
    unreadable = {name for name, _ in after.unreadable}
    return {
        name: value
        for name, value in before.fields.items()
        if name in WRITABLE[sending.kind] and name not in sending.sent and name not in follows | unreadable
        if _is_other(value, after.fields.get(name, ABSENT), is_shown=name in returned)
    }


def _is_other(was: Value, shown: Value | Absent, *, is_shown: bool) -> bool:
    if isinstance(shown, Absent) or shown is None:
        return was is not None and was not in UNSET
    if was is None:
        return is_shown
    return shown != was and not is_form_of(was, shown) and not is_form_of(shown, was)


def left_out(sending: Sending) -> Fields:
    """What an update leaves out and may reset: values that are not what an unset field has."""
    follows = dependents(sending.sent, sending.before.fields)
    return {
        name: value
        for name, value in sending.before.fields.items()
        if name in WRITABLE[sending.kind] and name != "name" and name not in sending.sent and name not in follows
        if value not in (*UNSET, "active")
    }


def tells_mode(sending: Sending) -> int:
    """How much an update tells of the mode: `SURELY` where it leaves out what no new resource has, 1 where it may."""
    left = left_out(sending)
    return SURELY if left.keys() - _WITH_DEFAULTS else 1 if left else 0


SURELY: Final = 2
_WITH_DEFAULTS: Final = frozenset({"bannerRefresh", "creativeTypes"})
"""Fields that a new resource has, with a value that nobody knows."""


def shows_update(sending: Sending, after: LiveResource) -> bool:
    """Whether a reading is of after the update: something that was sent is not as before."""
    return any(after.fields.get(name) != sending.before.fields.get(name) for name in sending.sent)


def is_hidden(sending: Sending, after: LiveResource, answer: Answer, context: ExecutionContext) -> bool:
    """Whether the account shows nothing of all that was sent, so that no reading can tell whether it was done.

    A field that it shows elsewhere, or in its answer, is not hidden: a reading without it is of before the update.
    """
    before, said = sending.before.fields, answer.said if isinstance(answer, Accepted) else {}
    shown: Container[str] = context.seen.fields_returned_for(before) | said.keys()
    return all(
        before.get(name) is None and after.fields.get(name) is None and name not in shown for name in sending.sent
    )


def reset_by_answer(sending: Sending, answer: Answer, context: ExecutionContext) -> Fields:
    """The fields, with their old values, that an answer shows to be reset.

    One that names nothing but what was sent shows nothing of the rest; any other is taken for the whole resource.
    """
    said = answer.said if isinstance(answer, Accepted) else {}
    others = WRITABLE[sending.kind] - sending.sent.keys() - {"name"}
    if all(said.get(name) is None for name in others):
        return {}
    return reset_fields(sending, replace(sending.before, fields=said, unreadable=()), context)


def shows_rest(sending: Sending, answer: Answer) -> bool:
    """Whether an answer shows what was sent, and all that the update left out as it was before."""
    said = answer.said if isinstance(answer, Accepted) else {}
    return all(said.get(name, ABSENT) == value for name, value in {**left_out(sending), **sending.sent}.items())


IN_DOUBT: Final = (
    "what it was not sent may have been reset, and nobody can see it: the next plan looks, and puts back what was"
)
"""What is said of an update that was sent alone, to an account that may replace, and that was not read back."""
