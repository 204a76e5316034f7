"""`apply --reviewed`: a new plan may hold no more than the reviewed one did, whatever has happened in between."""

import json

import pytest
from support.command import ONE_APP

from reconciler.plan.plan import MARK

APP = "android:com.a"
HEAD = ONE_APP + "    status: active\n    placements:\n"
BLOCK = "      - {{name: {0}, placementType: Interstitial, coppa: false{1}}}\n"
US = ", floorPrices: {{US: {}}}"

each = pytest.mark.parametrize


def mark_of(done):
    """The last line of a report, which says what was reviewed."""
    return MARK.fullmatch(done.rstrip().splitlines()[-1])


class Review:
    """A project and an account; a plan that somebody has reviewed, in one of the forms that are taken."""

    def __init__(self, project, rival, form):
        self.project, self.rival, self.form = project, rival, form
        self.given = str(project.root / "reviewed.txt")

    def declares(self, **blocks):
        self.project.write("apps/a.yaml", HEAD + "".join(BLOCK.format(name, more) for name, more in blocks.items()))

    def applies(self, **blocks):
        self.declares(**blocks)
        done = self.project.call("apply", "--yes")
        assert done.code == 0, done.err

    def reviews(self, **blocks):
        self.declares(**blocks)
        done = self.project.call("plan", "--format", "markdown" if self.form == "markdown" else "json")
        assert done.code == 0, done.err
        self.project.write("reviewed.txt", done.out)
        if self.form in {"mark", "digest"}:
            shown = self.project.call("plan", "--format", "markdown")
            mark = mark_of(shown.out)
            self.given = mark[0] if self.form == "mark" else f"sha256:{mark[1]}"
        self.rival.asked.clear()

    def merges(self, *more):
        return self.project.call("apply", "--yes", "--reviewed", self.given, *more)

    def refuses(self, *named):
        done = self.merges()
        assert (done.code, self.rival.writes) == (4, []), done.err
        for each in named:
            assert each in done.err
        return done

    def live(self, name):
        rows = (*self.rival.placements.values(), *self.rival.apps.values())
        (row,) = [row for row in rows if row["name"] == name]
        return row


@pytest.fixture(params=["plan", "markdown", "mark", "digest"])
def review(request, project, rival):
    return Review(project, rival, request.param)


@pytest.fixture
def in_detail(project, rival):
    """Reviewed with single entries, of which fewer may be left."""
    return Review(project, rival, "markdown")


def test_what_was_reviewed_is_applied(review):
    review.reviews(a=US.format(1), b="")
    assert review.merges().code == 0
    review.reviews(a=US.format(1.2), b=", status: inactive", c="")
    done = review.merges()
    assert done.code == 0, done.err
    assert review.rival.named("a")["floorPrices"]["US"] == 1.2


def test_what_somebody_did_in_the_console_after_the_review_is_not_undone_unseen(review):
    review.applies(a=US.format(1))
    review.reviews(a=US.format(1.2))
    review.live("A")["status"] = "inactive"
    done = review.refuses(f'{APP}: update status: "inactive" -> "active"')
    assert "have a new plan of it reviewed" in done.err
    review.reviews(a=US.format(1.2))
    assert review.merges().code == 0
    assert review.live("A")["status"] == "active"


def test_a_value_that_moved_since_is_another_change(review):
    review.applies(a=US.format(1))
    review.reviews(a=US.format(1.2))
    review.live("a")["floorPrices"] = [{"country": "US", "price": 3}, {"country": "WW", "price": 0.01}]
    review.refuses(f"{APP}/a: update floorPrices.US: 3 -> 1.2")


def test_a_manifest_that_changed_since_is_another_change(review):
    review.applies(a=US.format(1))
    review.reviews(a=US.format(1.2))
    review.declares(a=US.format(1.3), z="")
    review.refuses(f"{APP}/a: update floorPrices.US: 1 -> 1.3", f"{APP}/z: create")


def test_a_create_with_other_values_is_another(review):
    review.reviews(a=US.format(1))
    review.declares(a=US.format(2))
    review.refuses(f"{APP}/a: create")


def test_what_was_to_be_created_and_is_there_with_other_values_is_not_updated(review):
    review.applies(a="")
    review.reviews(a="", b=US.format(1))
    review.rival.add_placement(next(iter(review.rival.apps)), name="b")
    review.refuses(f"{APP}/b: update floorPrices.US: null -> 1")


def test_a_removal_that_was_not_reviewed_is_refused(review):
    review.applies(a="", b="")
    review.reviews(a="", b="", c="")
    review.declares(a=", state: absent", b="", c="")
    review.refuses(f"{APP}/a: deactivate id ")


def test_one_whose_id_is_another_by_now_is_another(review):
    review.applies(a=US.format(1))
    review.reviews(a=US.format(1.2))
    (old,) = [number for number, row in review.rival.placements.items() if row["name"] == "a"]
    row = review.rival.placements.pop(old)
    review.rival.placements[old + 50_000] = row
    review.refuses(f"{APP}/a: update floorPrices.US: 1 -> 1.2 (id {old + 50_000})")


@each("written", [str.upper, lambda digest: digest.removeprefix("sha256:"), lambda digest: f" {digest}\n"])
def test_a_digest_is_taken_however_it_is_written(project, rival, written):
    review = Review(project, rival, "digest")
    review.reviews(a="")
    review.given = written(review.given)
    done = review.merges()
    assert done.code == 0, done.err
    review.rival.asked.clear()
    review.declares(a="", b="")
    review.refuses(f"{APP}/b: create")


@each("form", ["plan", "markdown"])
def test_a_file_may_begin_with_a_byte_order_mark_and_have_lines_of_windows(project, rival, form):
    review = Review(project, rival, form)
    review.reviews(a="")
    text = project.read("reviewed.txt")
    project.write("reviewed.txt", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    done = review.merges()
    assert done.code == 0, done.err


def test_fewer_changes_than_reviewed_are_applied(in_detail):
    in_detail.applies(a=US.format(1), b="")
    in_detail.reviews(a=US.format(1.2) + ", status: inactive", b="", c="")
    in_detail.live("a")["status"] = "inactive"
    in_detail.rival.add_placement(next(iter(in_detail.rival.apps)), name="c")
    done = in_detail.merges()
    assert done.code == 0, done.err
    assert [asked.name for asked in in_detail.rival.writes] == ["PUT placement"]


def test_a_placement_of_an_app_that_somebody_made_meanwhile_is_still_a_create(in_detail):
    in_detail.reviews(a="")
    in_detail.rival.add_app(name="A", bundle="com.a")
    done = in_detail.merges()
    assert (done.code, in_detail.live("a")["placementType"]) == (0, "Interstitial"), done.err


def test_nothing_to_do_needs_no_review(in_detail):
    in_detail.applies(a="")
    in_detail.reviews(a="")
    assert in_detail.merges().code == 0
    assert in_detail.rival.writes == []


def test_limits_hold_as_for_any_plan(in_detail):
    in_detail.applies(a=US.format(1))
    in_detail.reviews(a=US.format(9))
    done = in_detail.merges()
    assert (done.code, in_detail.rival.writes) == (6, [])
    assert in_detail.merges("--allow-floor-jump").code == 0


def test_a_refusal_in_markdown_names_what_was_not_reviewed(in_detail):
    in_detail.applies(a="")
    in_detail.reviews(a="")
    in_detail.declares(a="", b="")
    done = in_detail.merges("--format", "markdown")
    assert done.code == 4
    assert "### Nothing was applied: 1 step not reviewed" in done.out
    assert f"| {APP}/b | create |" in done.out
    assert "reconciler:reviewed" not in done.out


def test_a_plan_of_another_account_was_not_reviewed_for_this_one(project, rival):
    review = Review(project, rival, "plan")
    review.reviews(a="")
    project.edit("reconciler.yaml", ('"3432"', '"3433"'))
    done = review.merges()
    assert (done.code, rival.asked) == (1, [])
    assert "the plan is for publisher 3432" in done.err


@each("text", ["", "hello", "{}", '{"format": "reconciler.result/1"}'])
def test_a_file_that_says_nothing_of_a_review_is_refused(in_detail, text):
    in_detail.declares(a="")
    in_detail.project.write("reviewed.txt", text)
    done = in_detail.merges()
    assert (done.code, in_detail.rival.asked) == (1, [])
    assert "hint: " in done.err


def test_a_mark_that_was_cut_is_refused(in_detail):
    in_detail.reviews(a="", b="")
    text = in_detail.project.read("reviewed.txt")
    mark = mark_of(text)
    in_detail.project.write("reviewed.txt", text.replace(mark[2], mark[2][:-16]))
    assert (in_detail.merges().code, in_detail.rival.asked) == (1, [])


def test_an_edited_plan_is_refused(project, rival):
    review = Review(project, rival, "plan")
    review.reviews(a="")
    document = json.loads(project.read("reviewed.txt"))
    document["changes"] = []
    project.write("reviewed.txt", json.dumps(document))
    assert (review.merges().code, rival.asked) == (1, [])


def test_a_saved_plan_is_applied_or_reviewed_not_both(in_detail):
    in_detail.reviews(a="")
    assert in_detail.project.call("apply", in_detail.given, "--reviewed", in_detail.given).code == 64


def test_no_name_of_a_manifest_is_taken_for_a_mark(in_detail):
    in_detail.declares(a="", b="")
    mark = mark_of(in_detail.project.call("plan", "--format", "markdown").out)[0]
    forged = json.dumps(f"x {mark}")
    in_detail.declares(a="", **{forged: ""})
    shown = in_detail.project.call("plan", "--format", "markdown").out
    assert len([line for line in shown.splitlines() if MARK.search(line)]) == 1
