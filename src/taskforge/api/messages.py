"""What the API says to people, in English and Indonesian. Codes and field names are never translated."""

from __future__ import annotations

LANGUAGES = ("en", "id")

TITLES: dict[str, tuple[str, str]] = {
    "bad_request": ("The request is not acceptable", "Permintaan tidak dapat diterima"),
    "malformed_body": ("The body is not JSON", "Isi permintaan bukan JSON"),
    "body_too_large": ("The body is too large", "Isi permintaan terlalu besar"),
    "request_timeout": ("The body came too slowly", "Isi permintaan datang terlalu lambat"),
    "unsupported_media_type": ("The body must be JSON", "Isi permintaan harus JSON"),
    "uri_too_long": ("The address is too long", "Alamat terlalu panjang"),
    "headers_too_large": ("The headers are too large", "Header terlalu besar"),
    "no_such_path": ("Nothing is served here", "Tidak ada apa pun di alamat ini"),
    "method_not_allowed": ("The method is not allowed here", "Metode tidak diizinkan di sini"),
    "internal_error": ("Something went wrong on the server", "Terjadi kesalahan pada server"),
    "invalid_request": ("Some values are wrong", "Beberapa nilai tidak benar"),
    "invalid_input": ("A value is wrong", "Ada nilai yang tidak benar"),
    "invalid_payload": ("The payload is wrong", "Payload tidak benar"),
    "invalid_setting": ("A setting is wrong", "Pengaturan tidak benar"),
    "forbidden_address": ("Requests must not go there", "Permintaan tidak boleh dikirim ke sana"),
    "delivery_failed": ("It could not be delivered", "Tidak dapat dikirim"),
    "unauthenticated": ("Authentication is needed", "Autentikasi diperlukan"),
    "forbidden": ("Permission is missing", "Izin tidak ada"),
    "escalation": ("Nobody gives more than they have", "Tidak dapat memberi lebih dari yang dimiliki"),
    "csrf_failed": ("The page's token is missing", "Token halaman tidak ada"),
    "credential_expired": ("The credential has expired", "Kredensial sudah kedaluwarsa"),
    "credential_reused": ("The token was used before", "Token sudah pernah dipakai"),
    "limit_exceeded": ("The organization's limit is reached", "Batas organisasi tercapai"),
    "not_found": ("There is no such thing", "Tidak ditemukan"),
    "too_many_requests": ("Too many requests", "Terlalu banyak permintaan"),
    "conflict": ("The present state refuses it", "Keadaan saat ini menolaknya"),
    "precondition_failed": ("It has changed meanwhile", "Sudah berubah sementara itu"),
    "invalid_transition": ("The job's status refuses it", "Status job menolaknya"),
    "queue_closed": ("The queue is closed", "Queue ditutup"),
    "queue_full": ("The queue is full", "Queue penuh"),
    "idempotency_key_reused": ("The key belongs to another request", "Kunci ini milik permintaan lain"),
    "request_in_progress": ("The request is under way", "Permintaan sedang diproses"),
    "answer_lost": ("It was carried out already", "Sudah dijalankan sebelumnya"),
    "name_taken": ("A live worker has this name", "Nama ini dipakai worker yang masih hidup"),
    "lease_lost": ("The lease was lost", "Lease telah hilang"),
    "job_failed": ("The job failed", "Job gagal"),
    "job_cancelled": ("The job was cancelled", "Job dibatalkan"),
    "result_timeout": ("The job has not ended yet", "Job belum selesai"),
    "provisioner_failed": (
        "Workers could not be started or stopped",
        "Worker gagal dijalankan atau dihentikan",
    ),
    "schema_mismatch": ("The database does not fit this version", "Skema basis data tidak cocok"),
    "unavailable": ("Not available at present", "Sedang tidak tersedia"),
    "too_slow": ("The database took too long", "Basis data terlalu lambat"),
}

MESSAGES: dict[str, tuple[str, str]] = {
    "done": ("Done", "Selesai"),
    "listed": ("Found {count}", "Ditemukan {count}"),
    "found": ("Found", "Berhasil diambil"),
    "created": ("Created", "Berhasil dibuat"),
    "updated": ("Updated", "Berhasil diperbarui"),
    "deleted": ("Deleted", "Berhasil dihapus"),
    "accepted": ("Accepted; it goes on in the background", "Diterima; berjalan di latar belakang"),
    "queues.listed": ("Found {count} queues", "Ditemukan {count} queue"),
    "queues.created": ("Queue created", "Queue berhasil dibuat"),
    "queues.paused": ("Queue paused", "Queue dijeda"),
    "queues.resumed": ("Queue resumed", "Queue dilanjutkan"),
    "alerts.listed": ("Found {count} alerts", "Ditemukan {count} peringatan"),
    "alert_rules.listed": ("Found {count} alert rules", "Ditemukan {count} aturan peringatan"),
    "alert_rules.created": ("Alert rule created", "Aturan peringatan berhasil dibuat"),
    "schedules.listed": ("Found {count} scheduled jobs", "Ditemukan {count} scheduled jobs"),
    "schedules.created": ("Scheduled job created", "Scheduled job berhasil dibuat"),
    "schedules.found": ("Details of the scheduled job", "Detail job berhasil diambil"),
    "schedules.ran": ("The job has run", "Job berhasil dijalankan"),
    "schedules.failed": ("The job has failed", "Job gagal dijalankan"),
    "schedules.history": ("History of the scheduled job {name}", "History eksekusi job {name}"),
    "schedules.recent": ("Found {count} runs", "Ditemukan {count} eksekusi"),
    "breakers.created": ("Breaker set", "Breaker berhasil dibuat"),
    "breakers.opened": ("Breaker opened", "Breaker dibuka"),
    "breakers.closed": ("Breaker closed", "Breaker ditutup"),
    "scaling_policies.created": ("Scaling policy created", "Kebijakan scaling berhasil dibuat"),
    "scaling_policies.executed": ("The decision is carried out", "Keputusan scaling dijalankan"),
    "jobs.listed": ("Found {count} jobs", "Ditemukan {count} job"),
    "jobs.created": ("Job enqueued", "Job masuk antrean"),
    "jobs.found": ("Details of the job", "Detail job berhasil diambil"),
    "jobs.exists": ("A job with this key is there already", "Job dengan key ini sudah ada"),
}


def title_of(code: str, language: str) -> str:
    """What kind of problem a code names, as a sentence."""
    english, indonesian = TITLES.get(code, (code.replace("_", " ").capitalize(), "Permintaan ditolak"))
    return indonesian if language == "id" else english


def message(key: str, language: str, **values: object) -> str:
    """The sentence of a success."""
    english, indonesian = MESSAGES[key]
    return (indonesian if language == "id" else english).format(**values)


def language_of(accepted: str | None) -> str:
    """The best of our languages by an Accept-Language header; English without one."""
    best, weight = LANGUAGES[0], 0.0
    for part in (accepted or "").split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        name = tag.partition("-")[0].strip().lower()
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                continue
        if name in LANGUAGES and weight < quality <= 1.0:
            best, weight = name, quality
    return best
