"""Both languages say everything, with the same values in it, and nothing that nobody shows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taskforge.domain.alert import AlertStatus
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.delivery import DeliveryStatus
from taskforge.domain.error_group import ErrorStatus
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.explanation import WhyCode
from taskforge.domain.job import JobStatus
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueSettings, QueueState, Strategy
from taskforge.domain.receiver import ReceiverKind
from taskforge.domain.scaling import ScalingOutcome, ScalingReason
from taskforge.domain.scaling_policy import ProvisionerKind
from taskforge.domain.schedule import MissedPolicy, OnHoliday, OverlapPolicy
from taskforge.domain.tick import TickCause, TickOutcome, TickReason
from taskforge.domain.worker import WorkerStatus, WorkerType
from taskforge.services.findings import SENTENCES, Verdict

SOURCES = Path(__file__).resolve().parents[2] / "dashboard/src"
CATALOGUES: dict[str, dict[str, str]] = {
    language: json.loads((SOURCES / f"i18n/{language}.json").read_text("utf-8")) for language in ("en", "id")
}
ENGLISH = CATALOGUES["en"]
TEXTS = [path.read_text("utf-8") for path in SOURCES.rglob("*.ts*") if path.name != "generated.d.ts"]
COMPOSED = re.compile(r'(?:\bt\(`|\b(?:word|said)\(")([a-z_.]+?)(?:\$|")')
"""Where a key is put together: by `t(`live.${state}`)` or `word("status", status)`."""


def test_both_languages_have_the_same_keys() -> None:
    assert set(ENGLISH) == set(CATALOGUES["id"])


def test_translations_take_the_same_values() -> None:
    for key, text in ENGLISH.items():
        assert placeholders(text) == placeholders(CATALOGUES["id"][key]), key


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_nothing_is_empty_or_without_use() -> None:
    composed = {found.rstrip(".") for text in TEXTS for found in COMPOSED.findall(text)}
    for key in ENGLISH:
        assert all(catalogue[key].strip() for catalogue in CATALOGUES.values()), key
        if key.endswith("_one") and key.removesuffix("_one") in ENGLISH:
            continue  # said instead of the other where the count is one
        is_composed = any(key.startswith((f"{start}.", f"{start}_", start)) for start in composed if start)
        assert is_composed or any(f'"{key}"' in text for text in TEXTS), f"nobody shows {key}"


def test_every_key_that_is_shown_is_known() -> None:
    shown = {key for text in TEXTS for key in re.findall(r'\bt\("([a-z0-9_.]+)"', text)}
    assert shown
    assert shown - set(ENGLISH) == set()


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("status", [*JobStatus, *ExecutionStatus, *WorkerStatus, *QueueState]),
        ("why", list(WhyCode)),
        ("why_said", list(WhyCode)),
        ("health_said", list(SENTENCES)),
        ("health_check", sorted({said.check.replace(" ", "_") for said in SENTENCES.values()})),
        ("pause_kind", list(PauseKind)),
        ("reason", list(Reason)),
        ("worker_type", list(WorkerType)),
        ("missed", list(MissedPolicy)),
        ("overlap", list(OverlapPolicy)),
        ("on_holiday", list(OnHoliday)),
        ("due_rests", list(OnHoliday)),
        ("tick_reason", list(TickReason)),
        ("tick_cause", list(TickCause)),
        ("status", [*TickOutcome, *Verdict, *ErrorStatus, *ScalingOutcome]),
        ("strategy", list(Strategy)),
        ("rule_kind", list(RuleKind)),
        ("receiver_kind", list(ReceiverKind)),
        ("status", [*AlertStatus, *DeliveryStatus]),
        ("scaling_reason", list(ScalingReason)),
        ("provisioner", list(ProvisionerKind)),
        ("setting", list(QueueSettings.__dataclass_fields__)),
    ],
)
def test_every_value_of_the_server_has_a_word(prefix: str, values: list[Any]) -> None:
    assert {f"{prefix}.{value}" for value in values} - set(ENGLISH) == set()


def test_what_is_found_is_said_here_as_it_is_there() -> None:
    said = {f"health_said.{code}": sentence.detail for code, sentence in SENTENCES.items()}
    hints = {f"health_hint.{code}": said.hint for code, said in SENTENCES.items() if said.hint}
    assert {key: text for key, text in ENGLISH.items() if key.startswith("health_said.")} == said
    assert {key: text for key, text in ENGLISH.items() if key.startswith("health_hint.")} == hints
