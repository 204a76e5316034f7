import pytest

from reconciler.errors import EditError
from reconciler.manifest import models
from reconciler.manifest.block import (
    APP_KEYS,
    DOCUMENT_KEYS,
    PLACEMENT_KEYS,
    TIER_KEYS,
    WATERFALL_KEYS,
)
from reconciler.manifest.text import format_manifest
from reconciler.yaml.scalar import ManifestText


def tidy(text):
    return format_manifest(ManifestText("a.yaml", text.encode())).decode()


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (models.ManifestDocument, DOCUMENT_KEYS),
        (models.AppBlock, APP_KEYS),
        (models.PlacementBlock, PLACEMENT_KEYS),
        (models.TierBlock, TIER_KEYS),
        (models.WaterfallBlock, WATERFALL_KEYS),
    ],
)
def test_every_key_of_the_format_has_its_place(model, keys):
    assert {str(part.alias) for part in model.model_fields.values()} == set(keys)
    assert len(keys) == len(set(keys))


def test_keys_come_in_order_with_the_comments_that_stand_at_them():
    assert tidy("""\
# Ours.

apps:
- bundle: com.a    # the bundle
  # which store
  platform:   android


  placements:
      # the first
      -   placementType: Banner
          # its name
          name: 'a'
          floorPrices:
              US: 2
              # CA: 3
          coppa: false
version: 1
# end
""") == """\
# Ours.

version: 1
apps:
  # which store
  - platform: android
    bundle: com.a    # the bundle

    placements:
      # the first
      # its name
      - name: 'a'
        placementType: Banner
        coppa: false
        floorPrices:
          US: 2
          # CA: 3
# end
"""  # fmt: skip


def test_anchors_come_before_their_uses_whatever_the_order_of_keys():
    text = """\
version: 1
apps:
  - platform: android
    bundle: com.a
    waterfalls: &ladder
      - {name: a, placementType: Banner, tiers: [{name: b, floorPrices: &p {US: 1}}]}
    placements:
      - {name: c, placementType: Banner, floorPrices: *p}
"""
    assert tidy(text) == text


def test_texts_on_many_lines_move_as_a_whole():
    assert tidy("""\
a:
    - b: |
          one

            two
      c: [1,
          2]   # both
      d: "x
        y"
""") == """\
a:
  - b: |
        one

          two
    c: [1,
        2]   # both
    d: "x
      y"
"""  # fmt: skip


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_the_mark_at_the_beginning_stay(ending, mark):
    assert tidy(f"{mark}b: 1{ending}{ending}{ending}a: 2") == f"{mark}b: 1{ending}{ending}a: 2{ending}"


def test_a_text_that_cannot_be_read_is_refused_at_its_place():
    with pytest.raises(EditError) as refused:
        tidy("a: [1\nb: 2\n")
    assert refused.value.findings[0].line == 2


def test_a_layout_that_cannot_be_taken_to_pieces_is_refused():
    with pytest.raises(EditError) as refused:
        tidy("a:\n  &x\n  b: 1\n")
    assert refused.value.findings[0].code == "fmt-unsure"


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n", "---\n"])
def test_a_text_without_values_is_none_the_worse(text):
    assert tidy(text).strip() == text.strip()
