"""What the command `scaling simulate` does: reads a trace and a policy, replays, prints, draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.cli.scaling_work import policy_named
from taskforge.cli.show import plain
from taskforge.cli.tables import print_fields, print_table
from taskforge.domain.errors import InvalidInput
from taskforge.domain.scaling_policy import ScalingPolicy
from taskforge.domain.scaling_simulation import parse_trace, simulate
from taskforge.services.scaling_records import simulation_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.scaling_simulation import Fleet


def simulated(
    trace: str,
    values: Mapping[str, Any],
    stored: Sequence[dict[str, Any]],
    queue: str | None,
    fleet: Fleet,
    picture: str | None,
) -> dict[str, Any]:
    """The replay as a document; its picture is written where it is wanted. Raises InvalidInput, NotFound."""
    policy = ScalingPolicy()
    if queue is not None:
        found = policy_named(stored, queue)
        policy = policy.changed({name: found[name] for name in policy.to_json()})
    policy = policy.changed(values)
    arrivals = parse_trace(_read(trace).splitlines(), fleet.work)
    result = simulate(policy, arrivals, fleet)
    if picture is not None:
        from taskforge.cli.scaling_picture import picture as drawn

        try:
            Path(picture).write_text(drawn(result, policy), "utf-8")
        except OSError as error:
            raise InvalidInput(f"{picture} cannot be written: {error.strerror}", field="--picture") from None
    return {**plain(simulation_record(result)), "picture": picture}


def print_simulation(document: Mapping[str, Any]) -> None:
    """The decisions, and what they came to."""
    print_table(
        ("AT", "ACTION", "WORKERS", ""),
        [
            (
                f"{one['at']:.0f} s",
                one["action"],
                f"{one['workers']} -> {one['desired']}",
                one["message"],
            )
            for one in document["changes"]
        ],
        empty="the number of workers never changes",
        right=("AT",),
    )
    print()
    print_fields(
        [
            ("jobs", f"{document['jobs']:,}"),
            ("workers at most", document["most_workers"]),
            ("worker hours", document["worker_hours"]),
            ("backlog at most", f"{document['most_backlog']:,}"),
            (
                "wait",
                f"{document['average_wait']:.1f} s on average, p95 {document['p95_wait']:.1f} s, "
                f"at most {document['longest_wait']:.1f} s",
            ),
            ("picture", document["picture"]),
        ]
    )


def _read(trace: str) -> str:
    if not trace:
        raise InvalidInput(
            "say which arrivals are to be replayed", field="--trace", hint="--trace arrivals.csv"
        )
    try:
        return Path(trace).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{trace} cannot be read: {error}", field="--trace") from None
