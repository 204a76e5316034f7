"""Numbers and days read back as they were meant, or nobody claims to know what they mean."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.warehouse.import_rows import Clues, read_day, read_number
from reconciler.warehouse.import_schema import as_text

MARKS = {"point": (".", ","), "comma": (",", ".")}
styles = st.sampled_from(["point", "comma"])
amounts = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=4)
wholes = st.integers(0, 10**12)
groupings = st.sampled_from(["", "own", " ", "\u00a0", "\u202f", "'"])
days = st.dates(date(2015, 1, 1), date(2035, 12, 31))
texts = st.text("0123456789.,- $eE'\u00a0", max_size=14)


def written(number, style, grouping, places=4):
    """A number as people of a style write it."""
    fraction, thousands = MARKS[style]
    between = thousands if grouping == "own" else grouping
    whole, _, rest = f"{number:,.{places}f}".partition(".")
    return whole.replace(",", between) + (f"{fraction}{rest}" if places else "")


@given(amounts, styles, groupings, st.sampled_from(["{}", "${}", "US$ {}", "{} USD", " {} ", "+{}", "$ {}"]))
def test_an_amount_reads_back_in_the_way_it_was_written(number, style, grouping, around):
    assert read_number(around.format(written(number, style, grouping)), style) == number


@given(amounts.filter(bool), styles, groupings, st.sampled_from(["-{}", "({})", "\u2212{}", "-${}", "$-{}", "- {}"]))
def test_what_is_negative_stays_so(number, style, grouping, around):
    assert read_number(around.format(written(number, style, grouping)), style) == -number


@given(wholes, styles, groupings)
def test_a_whole_number_reads_back(number, style, grouping):
    assert read_number(written(number, style, grouping, 0), style) == number


@given(st.lists(st.tuples(amounts, groupings), min_size=1, max_size=8), styles)
def test_a_file_is_read_in_the_way_it_was_written(told, style):
    """Four places after the mark cannot be thousands, so each of these texts tells which mark is which."""
    clues = Clues()
    for number, grouping in told:
        clues.see_number(written(number, style, grouping), whole=False)
    assert clues.settled_decimals(0.0) == style


@given(st.lists(texts, max_size=6), st.booleans())
def test_what_may_mean_two_things_is_never_taken_for_one_in_silence(told, whole):
    """Where both ways give a number and not the same one, something else in the file decided between them."""
    clues = Clues()
    for text in told:
        clues.see_number(text, whole=whole)
    style = clues.settled_decimals(0.0)
    if style is None or clues.decimals:
        return
    for text in told:
        readings = {read_number(text, "point"), read_number(text, "comma")} - {None}
        if len(readings) == 2:
            assert style == "point"
            assert "," not in text


@given(texts, styles)
def test_a_number_is_a_finite_number_or_none(text, style):
    number = read_number(text, style)
    assert number is None or number.is_finite()


@given(st.text(max_size=30), styles)
def test_no_text_breaks_the_reading(text, style):
    clues = Clues()
    clues.see_number(text, whole=False)
    clues.see_day(text)
    read_number(text, style)
    read_day(text, "day first")


@given(
    st.one_of(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e15), wholes, amounts), styles
)
def test_typed_numbers_mean_the_same_whatever_the_texts_of_a_file_do(number, style):
    clues = Clues()
    clues.see_number(as_text(number), whole=False)
    assert not clues.decimals
    assert read_number(as_text(number), style) == (Decimal(repr(number)) if isinstance(number, float) else number)


@given(days)
def test_a_day_reads_back_from_every_way_to_write_it(day):
    long, short = f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%b} {day.year}"
    for text in (f"{day}", f"{day:%Y%m%d}", f"{day:%Y/%m/%d}", f"{day:%d.%m.%Y}", long, short, f"{day}T00:00:00Z"):
        assert read_day(text, "month first") == day
    assert read_day(f"{day:%m/%d/%Y}", "month first") == day
    assert read_day(f"{day:%d/%m/%Y} 00:00", "day first") == day


@given(st.lists(days, min_size=1, max_size=20), st.sampled_from(["day first", "month first"]))
def test_an_order_of_days_is_found_or_left_open_and_never_the_other_one(told, order):
    clues = Clues()
    for day in told:
        clues.see_day(f"{day:%d/%m/%Y}" if order == "day first" else f"{day:%m/%d/%Y}")
    found = clues.settled_order(0.0)
    assert found in {order, None} or all(day.day == day.month for day in told)
    assert found is not None or all(day.day <= 12 for day in told)


@given(days, st.times(), st.integers(-14 * 4, 14 * 4))
def test_a_time_with_an_offset_counts_for_its_day_in_utc(day, time, quarters):
    when = datetime.combine(day, time.replace(microsecond=0), UTC)
    local = when.astimezone(timezone(timedelta(minutes=15 * quarters)))
    assert read_day(local.isoformat(), "day first") == when.date()
    assert read_day(as_text(local), "day first") == when.date()
