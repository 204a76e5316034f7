"""What a plan changes or holds is never counted as unmanaged, whatever became of blocks and pruning."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from laws.worlds import worlds
from support.builders import reconciled

from reconciler.diff.change import id_of
from reconciler.model.address import kind_of


@given(worlds(), st.data())
def test_no_id_is_both_changed_and_unmanaged(world, data):
    kept = [app for app in world.desired.apps if data.draw(st.booleans())]
    prune = data.draw(st.sampled_from(["report", "deactivate", "delete"]))
    desired = replace(world.desired, apps=tuple(kept), prune=prune)
    found = reconciled(desired, world.live, world.ledger)
    changed = {(kind_of(each.address), id_of(each)) for each in found.changes}
    held = {(kind_of(each.address), id_of(each.change)) for each in found.held}
    unmanaged = {(kind_of(each.address), each.id) for each in found.unmanaged}
    assert unmanaged.isdisjoint(changed | held)
