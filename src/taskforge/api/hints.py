"""What mends an error, in Indonesian. In the code it stands in English, where the error is raised."""

from __future__ import annotations

import re

HINTS: dict[str, str] = {
    "a UUID for each request serves": "satu UUID untuk tiap permintaan sudah cukup",
    "a line is such as 12.5,40,0.8": "contoh baris: 12.5,40,0.8",
    "a longer interval, or a shorter time": "selang yang lebih panjang, atau waktu yang lebih pendek",
    "a name of the IANA database, such as UTC, Asia/Jakarta or Europe/Berlin": (
        "nama dari basis data IANA, misalnya UTC, Asia/Jakarta, atau Europe/Berlin"
    ),
    "a new request needs a new key": "permintaan baru butuh kunci baru",
    "a number with ms, s, m, h, d or w, such as 30s, 2h or 1h30m": (
        "angka dengan ms, s, m, h, d, atau w, misalnya 30s, 2h, atau 1h30m"
    ),
    "a shorter time; taskforge scaling simulate takes up to a million": (
        "waktu yang lebih pendek; taskforge scaling simulate menerima sampai satu juta"
    ),
    "a worker of weight 30 gets three times what one of weight 10 gets": (
        "worker berbobot 30 mendapat tiga kali bagian worker berbobot 10"
    ),
    "a worker runs jobs of its own project only": "worker hanya menjalankan job dari proyeknya sendiri",
    "ask again": "minta sekali lagi",
    "begin again": "mulai lagi",
    "by the hour": "per jam",
    "cancel it first": "batalkan dulu",
    "change it": "ubah",
    "change that one: its weight, or whether it is active": "ubah yang itu: bobotnya, atau aktif tidaknya",
    "create it first; `taskforge queues list` shows what there is": (
        "buat dulu; `taskforge queues list` menampilkan yang ada"
    ),
    "dates and weekdays": "dates dan weekdays",
    "datetime.fromisoformat(...) with a time zone, or a timedelta": (
        "datetime.fromisoformat(...) dengan zona waktu, atau timedelta"
    ),
    "delete its queues and stop its workers first": "hapus dulu antreannya dan hentikan worker-nya",
    "did you mean {}?": "maksud Anda {}?",
    "drain it first, and wait for them to end": "sudahi dulu, lalu tunggu semuanya selesai",
    "edit it": "ubah",
    "enqueue again to make it anew": "antrekan lagi agar dibuat ulang",
    "from {} to {} seconds": "dari {} sampai {} detik",
    "give more characters": "beri lebih banyak karakter",
    "give more of it": "beri lebih banyak darinya",
    "give the id, or at least 4 of its last characters": "beri id-nya, atau sedikitnya 4 karakter terakhirnya",
    "give them another role first": "beri mereka peran lain dulu",
    "give what you have yourself, in the projects where you have it": (
        "beri yang Anda sendiri miliki, di proyek tempat Anda memilikinya"
    ),
    "give what you have, in the projects where you have it": (
        "beri yang Anda miliki, di proyek tempat Anda memilikinya"
    ),
    "is it running, and is the address right?": "apakah sedang berjalan, dan apakah alamatnya benar?",
    "is it running, and is the address right? `taskforge config` shows it, and where it comes from": (
        "apakah sedang berjalan, dan apakah alamatnya benar? `taskforge config` menampilkannya beserta asalnya"
    ),
    "it acts on those that are {}": "berlaku untuk yang berstatus {}",
    "its overlap policy is {}": "kebijakan tumpang tindihnya {}",
    "leave it out, and one is made": "kosongkan, dan akan dibuatkan",
    "leave room between the two": "beri jarak antara keduanya",
    "let that job end, or cancel it": "biarkan job itu selesai, atau batalkan",
    "let them end, move or cancel them, or `taskforge queues purge`": (
        "biarkan selesai, pindahkan, batalkan, atau `taskforge queues purge`"
    ),
    "like 2027-01-31T09:00:00Z": "misalnya 2027-01-31T09:00:00Z",
    "like name@example.com": "misalnya nama@example.com",
    "log in again": "masuk lagi",
    "look at what it has made; ask for more under another Idempotency-Key": (
        "lihat yang sudah dibuatnya; minta lagi dengan Idempotency-Key lain"
    ),
    "make a new one": "buat yang baru",
    "make it with `taskforge alerts receivers create`": "buat dengan `taskforge alerts receivers create`",
    "make somebody else owner first": "jadikan orang lain owner dulu",
    "min_workers is at most max_workers": "min_workers paling besar sama dengan max_workers",
    "name another queue to retry it in": "sebut antrean lain untuk mencobanya lagi",
    "name arrivals instead": "sebut kedatangan sebagai gantinya",
    "narrow the filter, or follow meta.next_cursor from page to page": (
        "persempit filternya, atau ikuti meta.next_cursor dari halaman ke halaman"
    ),
    "one of cron, interval_seconds and run_at": "salah satu dari cron, interval_seconds, dan run_at",
    "one of {}": "salah satu dari {}",
    "one of: {}": "salah satu dari: {}",
    "only one that is pending or scheduled can; retry it in the other queue": (
        "hanya yang menunggu atau terjadwal yang bisa; coba lagi di antrean yang lain"
    ),
    "only one that is {} can": "hanya yang berstatus {} yang bisa",
    "open or close the breaker of the type, or pause by type": (
        "buka atau tutup breaker jenis itu, atau jeda menurut jenis"
    ),
    "raise {} of the queue, or give the job at most {}": "naikkan {} antrean, atau beri job paling banyak {}",
    "read it again, then repeat with its ETag as If-Match": "baca lagi, lalu ulangi dengan ETag-nya sebagai If-Match",
    "refresh it": "perbarui",
    "register anew": "daftarkan lagi",
    "remove what is not needed, or ask the installation's administrator": (
        "hapus yang tidak diperlukan, atau hubungi administrator instalasi"
    ),
    "see the schema of task {}": "lihat skema task {}",
    "send Authorization: Bearer and a key or an access token": (
        "kirim Authorization: Bearer dengan API key atau access token"
    ),
    "send it again in a moment, under the same key": "kirim lagi sebentar lagi, dengan kunci yang sama",
    "send it as Content-Type: application/json": "kirim dengan Content-Type: application/json",
    "send it without Content-Encoding": "kirim tanpa Content-Encoding",
    "send less at a time": "kirim lebih sedikit sekaligus",
    "settings: {}": "pengaturan: {}",
    "several words that do not belong together": "beberapa kata yang tidak berkaitan",
    "stop it, or give this one another --name": "hentikan, atau beri yang ini --name lain",
    "store large data elsewhere and pass its address": "simpan data besar di tempat lain dan kirim alamatnya",
    "such as 2026-01-31T09:00:00+07:00": "misalnya 2026-01-31T09:00:00+07:00",
    "such as 2026-12-25": "misalnya 2026-12-25",
    "such as https://app.example.org": "misalnya https://app.example.org",
    'such as {"gpu": ">=1", "region": "id"}': 'misalnya {"gpu": ">=1", "region": "id"}',
    'such as {"gpu": 2, "region": "id"}': 'misalnya {"gpu": 2, "region": "id"}',
    "swap the two": "tukar keduanya",
    "take it from meta.next_cursor of the page before, with the same filter": (
        "ambil dari meta.next_cursor halaman sebelumnya, dengan filter yang sama"
    ),
    "take less at a time": "ambil lebih sedikit sekaligus",
    "the name of a task": "nama sebuah task",
    "the process that runs them does it: taskforge scaling run, or taskforge dev --autoscale": (
        "proses yang menjalankannya yang melakukannya: taskforge scaling run, atau taskforge dev --autoscale"
    ),
    "the setting outbound_networks can allow the network that it is in": (
        "pengaturan outbound_networks bisa mengizinkan jaringan tempatnya berada"
    ),
    "there are none yet": "belum ada satu pun",
    "there are: {}": "yang ada: {}",
    "try again": "coba lagi",
    "try again in {} s": "coba lagi dalam {} dtk",
    "try again later, or run more workers": "coba lagi nanti, atau jalankan lebih banyak worker",
    "try again when they have": "coba lagi setelah itu",
    "use --type": "gunakan --type",
    "use an API key": "gunakan API key",
    "use the token that its registration answered with": "gunakan token dari jawaban pendaftarannya",
    "wait for one to end, or cancel one": "tunggu salah satu selesai, atau batalkan satu",
    "what is not shown can be kept at its place; elsewhere give its value": (
        "yang tidak ditampilkan boleh dibiarkan di tempatnya; di tempat lain beri nilainya"
    ),
    "without it the breaker stays open until it is closed": "tanpa itu breaker tetap terbuka sampai ditutup",
    "write more of the name": "tulis lebih banyak dari namanya",
    "0.5 opens it when every second attempt fails": "0.5 membukanya bila setiap percobaan kedua gagal",
    "443, or one above 1023": "443, atau yang di atas 1023",
    "NUMBER:HASH, as a verification tells it": "NUMBER:HASH, seperti disebut pemeriksaan",
    "SAT,SUN, 5L or 1#1": "SAT,SUN, 5L, atau 1#1",
    "TASKFORGE_SECRET_KEY: {}; to try it on this machine: `taskforge serve --development`": (
        "TASKFORGE_SECRET_KEY: {}; untuk mencobanya di mesin ini: `taskforge serve --development`"
    ),
    "`taskforge alerts deliveries` shows what was tried": (
        "`taskforge alerts deliveries` menampilkan yang sudah dicoba"
    ),
    "seconds,jobs[,seconds of work], such as 12.5,40,0.8": "detik,job[,detik kerja], misalnya 12.5,40,0.8",
}
"""By the English sentence; ``{}`` stands for a value, in the same order."""

_PATTERNS = [
    (re.compile("(.+)".join(map(re.escape, english.split("{}")))), indonesian)
    for english, indonesian in HINTS.items()
    if "{}" in english
]


def hint_in(hint: str, language: str) -> str:
    """A hint in a language; what is an example of a value, or nobody has translated, as it is."""
    if language == "en":
        return hint
    if hint in HINTS:
        return HINTS[hint]
    for pattern, indonesian in _PATTERNS:
        if found := pattern.fullmatch(hint):
            return indonesian.format(*found.groups())
    return hint
