"""A cron expression in words, for people who do not read cron: in English and in Indonesian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from taskforge.domain.cron import Cron

    _Word: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language; ``phrases`` by what they stand for, {} for what goes in."""

    weekdays: Sequence[str]
    months: Sequence[str]
    ordinals: Sequence[str]
    time: str
    conjunction: str
    phrases: Mapping[str, str]

    def listed(self, words: Sequence[str]) -> str:
        """``a, b and c``."""
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {self.conjunction} {words[-1]}"


ENGLISH = Language(
    weekdays=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    months=("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December"),
    ordinals=("first", "second", "third", "fourth", "fifth"),
    time=":",
    conjunction="and",
    phrases={
        "at": "at {}",
        "every_second": "every second",
        "every_seconds": "every {} seconds",
        "every_minute": "every minute",
        "every_minutes": "every {} minutes",
        "every_hour": "every hour",
        "every_hours": "every {} hours",
        "seconds": "at second {}",
        "minutes": "at minute {}",
        "of_every_hour": "of every hour",
        "of_every_hours": "every {} hours",
        "of_hours": "of hour {}",
        "during": "during hour {}",
        "during_every": "in one hour of every {}",
        "between": "{} to {}",
        "stepped": "every {} from {}",
        "daily": "every day",
        "weekday": "on {}",
        "nth": "the {} {} of the month",
        "last_weekday_of": "the last {} of the month",
        "day": "on day {} of the month",
        "every_days": "every {} days of the month",
        "last_day": "on the last day of the month",
        "last_working_day": "on the last working day of the month",
        "month": "in {}",
        "every_months": "every {} months",
        "either": "{} or {}",
    },
)  # fmt: skip
INDONESIAN = Language(
    weekdays=("Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"),
    months=("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
            "November", "Desember"),
    ordinals=("pertama", "kedua", "ketiga", "keempat", "kelima"),
    time=".",
    conjunction="dan",
    phrases={
        "at": "pukul {}",
        "every_second": "setiap detik",
        "every_seconds": "setiap {} detik",
        "every_minute": "setiap menit",
        "every_minutes": "setiap {} menit",
        "every_hour": "setiap jam",
        "every_hours": "setiap {} jam",
        "seconds": "pada detik {}",
        "minutes": "pada menit {}",
        "of_every_hour": "setiap jam",
        "of_every_hours": "setiap {} jam",
        "of_hours": "pada jam {}",
        "during": "selama jam {}",
        "during_every": "selama satu dari setiap {} jam",
        "between": "{} sampai {}",
        "stepped": "setiap {} mulai {}",
        "daily": "setiap hari",
        "weekday": "pada hari {}",
        "nth": "{1} {0} dalam sebulan",
        "last_weekday_of": "{} terakhir dalam sebulan",
        "day": "pada tanggal {}",
        "every_days": "setiap {} hari dalam sebulan",
        "last_day": "pada hari terakhir setiap bulan",
        "last_working_day": "pada hari kerja terakhir setiap bulan",
        "month": "pada bulan {}",
        "every_months": "setiap {} bulan",
        "either": "{} atau {}",
    },
)  # fmt: skip
LANGUAGES = {"en": ENGLISH, "id": INDONESIAN}
_DAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], start=1
    )
}


def language_named(code: str) -> Language:
    """A language by its code. Raises InvalidInput."""
    words = LANGUAGES.get(code)
    if words is None:
        raise InvalidInput(
            f"no language {code!r:.40}", field="language", hint=f"one of {', '.join(LANGUAGES)}"
        )
    return words


def describe_interval(seconds: float, language: str = "en") -> str:
    """A number of seconds in words: ``every 15 minutes``. Raises InvalidInput for an unknown language."""
    words = language_named(language)
    for unit, length in (("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            number = round(seconds / length)
            return words.phrases[f"every_{unit}" if number == 1 else f"every_{unit}s"].format(number)
    return words.phrases["every_seconds"].format(f"{seconds:g}")


def describe(cron: Cron, language: str = "en") -> str:
    """The expression in words: ``at 09:00, Monday to Friday``. Raises InvalidInput for an unknown language."""
    words = language_named(language)
    parts = [_time_of_day(cron.fields, words), _days(cron.fields, words), _months(cron.fields[4], words)]
    return ", ".join(part for part in parts if part)


def _time_of_day(fields: Sequence[str], words: Language) -> str:
    second, minute, hour = fields[:3]
    say = words.phrases
    if second.isdigit() and _are_numbers(minute) and _are_numbers(hour):
        exact = "" if second == "0" else f"{words.time}{int(second):02}"
        times = [
            f"{int(h):02}{words.time}{int(m):02}{exact}" for h in hour.split(",") for m in minute.split(",")
        ]
        return say["at"].format(words.listed(times))
    parts = []
    if second != "0":
        parts.append(_frequency(second, "second", words))
    if minute == "0" and second == "0" and not _are_numbers(hour):
        return _hours_alone(hour, words)
    if not (second != "0" and minute == "*"):
        parts.append(_frequency(minute, "minute", words))
    if hour == "*":
        if not minute.startswith("*"):
            parts[-1] += f" {say['of_every_hour']}"
    elif minute.startswith("*"):
        step = _step(hour)
        parts.append(
            say["during_every"].format(step)
            if step
            else say["during"].format(_items(hour, words, lambda number: str(int(number))))
        )
    else:
        step = _step(hour)
        parts[-1] += " " + (
            say["of_every_hours"].format(step)
            if step
            else say["of_hours"].format(_items(hour, words, lambda number: str(int(number))))
        )
    return ", ".join(parts)


def _hours_alone(hour: str, words: Language) -> str:
    say = words.phrases
    if hour == "*":
        return say["every_hour"]
    step = _step(hour)
    if step:
        return say["every_hours"].format(step)
    return f"{say['every_hour']}, " + _items(hour, words, lambda number: f"{int(number):02}{words.time}00")


def _frequency(field: str, unit: str, words: Language) -> str:
    say = words.phrases
    if field == "*":
        return say[f"every_{unit}"]
    step = _step(field)
    if step:
        return say[f"every_{unit}s"].format(step)
    return say[f"{unit}s"].format(_items(field, words, lambda number: str(int(number))))


def _days(fields: Sequence[str], words: Language) -> str:
    day, weekday = fields[3], fields[5]
    by_date, by_weekday = _dates(day, words), _weekdays(weekday, words)
    if by_date and by_weekday:
        if day.startswith("*") or weekday.startswith("*"):
            return f"{by_date}, {by_weekday}"
        return words.phrases["either"].format(by_date, by_weekday)
    if by_date or by_weekday:
        return by_date or by_weekday
    is_timed = _are_numbers(fields[1]) and _are_numbers(fields[2])
    return words.phrases["daily"] if is_timed and fields[4] == "*" else ""


def _dates(day: str, words: Language) -> str:
    say = words.phrases
    if day == "*":
        return ""
    if day == "L":
        return say["last_day"]
    if day == "LW":
        return say["last_working_day"]
    step = _step(day)
    if step:
        return say["every_days"].format(step)
    return say["day"].format(_items(day, words, lambda number: number if "L" in number else str(int(number))))


def _weekdays(field: str, words: Language) -> str:
    if field == "*":
        return ""
    if _is_range(field) and "/" not in field and "#" not in field:
        return _items(field, words, lambda item: _weekday(item, words))
    return words.phrases["weekday"].format(_items(field, words, lambda item: _weekday(item, words)))


def _weekday(item: str, words: Language) -> str:
    say = words.phrases
    if "#" in item:
        name, _, nth = item.partition("#")
        return say["nth"].format(words.ordinals[int(nth) - 1], _weekday(name, words))
    if item.endswith("L"):
        return say["last_weekday_of"].format(_weekday(item[:-1], words))
    return words.weekdays[_DAYS[item] if item in _DAYS else int(item) % 7]


def _months(field: str, words: Language) -> str:
    if field == "*":
        return ""
    step = _step(field)
    if step:
        return words.phrases["every_months"].format(step)
    return words.phrases["month"].format(
        _items(field, words, lambda item: words.months[(_MONTHS.get(item) or int(item)) - 1])
    )


def _items(field: str, words: Language, word: _Word) -> str:
    """The parts of a list, ranges and steps among them, each by its word."""
    say = words.phrases
    spoken = []
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, dash, high = span.partition("-")
        text = say["between"].format(word(low), word(high)) if dash else span if span == "*" else word(low)
        spoken.append(say["stepped"].format(step, text) if step else text)
    return words.listed(spoken)


def _step(field: str) -> str:
    """N of ``*/N``, or nothing."""
    return field[2:] if field.startswith("*/") and field[2:].isdigit() else ""


def _are_numbers(field: str) -> bool:
    return all(part.isdigit() for part in field.split(","))


def _is_range(field: str) -> bool:
    return "-" in field and "," not in field
