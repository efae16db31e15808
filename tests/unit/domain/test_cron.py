"""Cron: what fires when, over all kinds of clocks, against a scan of every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from taskforge.domain.cron import MAX_EXPRESSION, NAMED, Cron
from taskforge.domain.cron_words import LANGUAGES, describe, describe_interval
from taskforge.domain.errors import InvalidInput
from taskforge.domain.local_time import instant_of, next_change, wall_time, zone_named

MINUTE = timedelta(minutes=1)
ZONES = [
    "UTC",
    "Asia/Jakarta",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # midnight is what is left out
    "America/Havana",
    "Asia/Beirut",
    "Africa/Casablanca",  # four changes a year
    "Antarctica/Troll",  # two hours at a time
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # 30 December 2011 was left out
]
BERLIN = ZoneInfo("Europe/Berlin")


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda two: f"{min(two)}-{max(two)}")
    stepped = st.tuples(st.one_of(span, st.just("*")), st.integers(1, high)).map(
        lambda two: f"{two[0]}/{two[1]}"
    )
    return st.one_of(
        st.just("*"), st.lists(st.one_of(single, span, stepped), min_size=1, max_size=3).map(",".join)
    )


DAYS = st.one_of(numbers(1, 28), st.sampled_from(["L", "LW", "*", "*"]))
WEEKDAYS = st.one_of(numbers(0, 7), st.sampled_from(["MON-FRI", "5#2", "1L", "SUN", "*", "*"]))


def comes_true(expression: str) -> bool:
    """The 1st, 15th or 29th is never a second Friday."""
    try:
        Cron(expression)
    except InvalidInput:
        return False
    return True


EXPRESSIONS = (
    st.tuples(numbers(0, 59), numbers(0, 23), DAYS, numbers(1, 12), WEEKDAYS).map(" ".join).filter(comes_true)
)


@lru_cache
def changes(zone: str, year: int) -> list[datetime]:
    """The instants of a year at which the offset changes."""
    begin, day = datetime(year, 1, 1, tzinfo=UTC), timedelta(days=1)
    days = (begin + number * day for number in range(365))
    return [at for start in days if (at := next_change(start, start + day, ZoneInfo(zone))) is not None]


def stretch_of(name: str, year: int, minutes: int, change: int, before: int) -> tuple[ZoneInfo, datetime]:
    """A zone and a moment, as a rule shortly before its clock is changed."""
    near = changes(name, year)
    start = datetime(year, 1, 1, tzinfo=UTC) + minutes * MINUTE
    if near and change:
        start = near[change % len(near)] - before * MINUTE
    return ZoneInfo(name), start.replace(second=0, microsecond=0)


STRETCHES = st.builds(
    stretch_of,
    st.sampled_from(ZONES),
    st.sampled_from([1999, 2011, 2024, 2026, 2035]),
    st.integers(0, 525_599),
    st.integers(0, 4),
    st.integers(0, 1600),
)


class Scan:
    """Matching times by looking at every minute; the fields are read by cronsim, nothing else of it is used."""

    def __init__(self, cron: Cron) -> None:
        self._fields = CronSim(" ".join(cron.fields), datetime(2001, 1, 1))  # noqa: DTZ001

    def shows(self, wall: datetime) -> bool:
        fields = self._fields
        return (
            wall.minute in fields.minutes
            and wall.hour in fields.hours
            and wall.month in fields.months
            and fields.match_day(wall.date())
        )


@settings(max_examples=120, deadline=None)
@given(EXPRESSIONS, STRETCHES)
def test_equals_a_scan_of_every_minute(expression: str, stretch: tuple[ZoneInfo, datetime]) -> None:
    cron, (zone, start) = Cron(expression), stretch
    scan, days = Scan(cron), 3 * 24 * 60
    if cron.is_fixed:
        walls = [wall_time(start, zone) + number * MINUTE for number in range(-days // 3, days)]
        found = sorted({instant_of(wall, zone) for wall in walls if scan.shows(wall)})
        expected = [moment for moment in found if start < moment < start + 2 * timedelta(days=1)]
    else:
        instants = (start + number * MINUTE for number in range(1, days))
        expected = [moment for moment in instants if scan.shows(wall_time(moment, zone))]
    expected = expected[:40]
    assert list(islice(cron.upcoming(start, zone), len(expected))) == expected
    after = cron.next(start, zone)
    assert after > start
    assert after == (expected[0] if expected else after)
    assert cron.next(after - timedelta(microseconds=1), zone) == after


@pytest.mark.timeout(20)
@pytest.mark.parametrize("microseconds", [1, 400_000, 999_999])
@pytest.mark.parametrize("seconds", [1, 2, 3, 60, 3601, 7200])
def test_any_fraction_of_a_second_before_a_clock_is_put_back(seconds: int, microseconds: int) -> None:
    zone = ZoneInfo("America/New_York")
    put_back = datetime(1999, 10, 31, 6, tzinfo=UTC)
    asked = put_back - timedelta(seconds=seconds, microseconds=microseconds)
    found = [
        moment for moment in islice(Cron("*/30 1-2 * * *").upcoming(asked, zone), 8) if moment >= put_back
    ]
    assert found[:3] == [put_back, put_back + 30 * MINUTE, put_back + 60 * MINUTE]
    assert next_change(asked, put_back + 180 * MINUTE, zone) == put_back


@given(st.one_of(st.text(max_size=40), st.text("0123456789*/-,L#W ?@", max_size=40), EXPRESSIONS))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_expression_or_refused_by_name(text: str) -> None:
    try:
        cron = Cron(text)
    except InvalidInput:
        return
    cron.next(datetime(2026, 1, 1, tzinfo=UTC), BERLIN)
    for language in LANGUAGES:
        assert describe(cron, language)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("61 * * * *", "'61' as its minute"),
        ("* 24 * * *", "'24' as its hour"),
        ("* * * * MONDAY", "'MONDAY' as its day of the week"),
        ("* * * * 1#6", "day of the week"),
        ("*/0 * * * *", "minute"),
        ("0 0 1--100000000 * *", "day of the month"),
        ("0 0 30 2 *", "never comes true"),
        ("0 0 31 4,6,9,11 *", "never comes true"),
        ("@reboot", "has no time"),
        ("@fortnightly", "no name that is known"),
        ("1 2 3", "has 3 fields"),
        ("", "has 0 fields"),
        ("*" * (MAX_EXPRESSION + 1), f"longer than {MAX_EXPRESSION}"),
        ("9" * 200 + " * * * *", "minute"),
    ],
)
def test_says_what_is_wrong(expression: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        Cron(expression)
    assert caught.value.field == "cron"


def local(expression: str, after: datetime, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    return [
        f"{due.astimezone(zone):%d %H:%M %z}" for due in islice(Cron(expression).upcoming(after, zone), count)
    ]


def test_a_fixed_time_in_a_gap_and_in_an_overlap() -> None:
    spring, autumn = datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 10, 26, tzinfo=UTC)
    assert local("30 2 * * *", spring, 3) == ["30 02:30 +0100", "31 03:00 +0200", "01 02:30 +0200"]
    assert local("15,45 2 * * *", spring, 4) == [
        "30 02:15 +0100",
        "30 02:45 +0100",
        "31 03:00 +0200",
        "01 02:15 +0200",
    ]
    assert local("30 2 * * *", autumn, 3) == ["26 02:30 +0200", "27 02:30 +0200", "28 02:30 +0100"]
    assert local("20 30 2 * * *", autumn, 3) == ["26 02:30 +0200", "27 02:30 +0200", "28 02:30 +0100"]


def test_what_follows_elapsed_time() -> None:
    night = datetime(2024, 10, 26, 22, 30, tzinfo=UTC)
    assert local("0 * * * *", night, 4) == [
        "27 01:00 +0200",
        "27 02:00 +0200",
        "27 02:00 +0100",
        "27 03:00 +0100",
    ]
    night = datetime(2024, 3, 31, tzinfo=UTC)
    assert local("0 * * * *", night, 2) == ["31 03:00 +0200", "31 04:00 +0200"]


def test_a_day_that_was_left_out() -> None:
    apia = ZoneInfo("Pacific/Apia")
    before = datetime(2011, 12, 29, 12, tzinfo=UTC)
    assert local("0 9 * * *", before, 3, apia) == ["29 09:00 -1000", "31 00:00 +1400", "31 09:00 +1400"]


@pytest.mark.parametrize(
    ("expression", "english", "indonesian", "due"),
    [
        ("30 0 * * *", "at 00:30, every day", "pukul 00.30, setiap hari", "Mon 02 00:30"),
        ("0 9 * * *", "at 09:00, every day", "pukul 09.00, setiap hari", "Mon 02 09:00"),
        ("0 8 * * 1", "at 08:00, on Monday", "pukul 08.00, pada hari Senin", "Mon 02 08:00"),
        ("0 * * * *", "every hour", "setiap jam", "Mon 02 00:00"),
        ("*/15 * * * *", "every 15 minutes", "setiap 15 menit", "Sun 01 23:15"),
        ("0 23 L * *", "at 23:00, on the last day of the month", "pukul 23.00, pada hari terakhir setiap bulan",
         "Tue 31 23:00"),
        ("0 18 * * 1-5", "at 18:00, Monday to Friday", "pukul 18.00, Senin sampai Jumat", "Mon 02 18:00"),
        ("0 0 * * 7", "at 00:00, on Sunday", "pukul 00.00, pada hari Minggu", "Sun 08 00:00"),
        ("0 0 LW * *", "at 00:00, on the last working day of the month",
         "pukul 00.00, pada hari kerja terakhir setiap bulan", "Tue 31 00:00"),
        ("0 0 * * 5#2", "at 00:00, on the second Friday of the month",
         "pukul 00.00, pada hari Jumat kedua dalam sebulan", "Fri 13 00:00"),
        ("0 0 * * 5L", "at 00:00, on the last Friday of the month",
         "pukul 00.00, pada hari Jumat terakhir dalam sebulan", "Fri 27 00:00"),
        ("30 6 13 1,3 0", "at 06:30, on day 13 of the month or on Sunday, in January and March",
         "pukul 06.30, pada tanggal 13 atau pada hari Minggu, pada bulan Januari dan Maret", "Sun 08 06:30"),
    ],
)  # fmt: skip
def test_the_words_of_crontab(expression: str, english: str, indonesian: str, due: str) -> None:
    cron = Cron(expression)
    assert describe(cron) == english
    assert describe(cron, "id") == indonesian
    sunday = datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert f"{cron.next(sunday, UTC):%a %d %H:%M}" == due


def test_names_and_intervals() -> None:
    for name, expression in NAMED.items():
        assert Cron(name.upper()) == Cron(expression)
        assert hash(Cron(name)) == hash(Cron(expression))
    assert Cron("? ? ? * ?") == Cron("* * * * *")
    assert describe(Cron("*/10 * * * * *")) == "every 10 seconds"
    assert describe_interval(5400) == "every 90 minutes"
    assert describe_interval(3600, "id") == "setiap jam"
    assert describe_interval(0.5) == "every 0.5 seconds"
    with pytest.raises(InvalidInput, match="no language 'de'"):
        describe(Cron("@daily"), "de")


@pytest.mark.parametrize(
    "name", ["Asia/Atlantis", "", "../../etc/passwd", "Europe", "\0", "x" * 300, "Asia/Jakärta"]
)
def test_unknown_zones(name: str) -> None:
    with pytest.raises(InvalidInput, match="no time zone") as caught:
        zone_named(name)
    assert caught.value.field == "timezone"
