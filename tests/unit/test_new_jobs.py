"""Bodies of jobs that are to be made."""

import msgspec

from taskforge.api.views.drafts import NewJob

NO_OPTIONS = {"job_type", "queue_id", "queue_name", "payload"}


def test_whatever_a_job_says_beyond_type_queue_and_payload_is_an_option() -> None:
    plain = NewJob(job_type="t", queue_name="q", payload={"n": 1})
    assert not plain.has_options
    for name in set(NewJob.__struct_fields__) - NO_OPTIONS:
        assert msgspec.structs.replace(plain, **{name: ["said"]}).has_options, name
