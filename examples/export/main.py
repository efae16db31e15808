"""An export that a person asks for on a page: it is made in the background, shows how far it is, and tells when it is ready: US-JOB-03.

    python examples/export/main.py

Then open http://127.0.0.1:8004. Files are written to exports/ (EXPORTS names another folder).
"""

import csv
import os
import secrets
from pathlib import Path
from uuid import UUID

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from taskforge import Cancel, Context, TaskForge, TaskforgeError

FOLDER = Path(os.environ.get("EXPORTS", "exports"))
SECRET = os.environ.get("TASKFORGE_SECRET_KEY") or secrets.token_urlsafe(32)
PAGE_SIZE = 1000

tasks = TaskForge(os.environ.get("TASKFORGE_DATABASE_URL", "sqlite:///export.db"), secret_key=SECRET)
notices: dict[str, list[str]] = {}  # in place of a mail server


@tasks.task(queue="notices", max_attempts=10)
def notify(user: str, text: str) -> None:
    """Tell a person. A job of its own: that it fails and is tried again makes no export twice."""
    notices.setdefault(user, []).append(text)


@tasks.task(queue="exports", timeout="1h", concurrency_key="export-{user}", concurrency_limit=1)
def export(ctx: Context, user: str, rows: int) -> str:
    """Write the file, page by page; another attempt goes on where the last one was."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    partial, name = FOLDER / f"{ctx.id}.part", f"{ctx.id}.csv"
    first = int(ctx.state.get("rows", 0)) if partial.exists() else 0
    with partial.open("r+" if first else "w", newline="") as file:
        file.seek(int(ctx.state.get("bytes", 0)) if first else 0)
        file.truncate()
        writer = csv.writer(file)
        for begin in range(first, rows, PAGE_SIZE):
            if ctx.cancelled:
                partial.unlink()
                raise Cancel("the person has changed their mind")
            end = min(begin + PAGE_SIZE, rows)
            writer.writerows((number, f"row {number} of {user}") for number in range(begin, end))
            file.flush()
            ctx.state["rows"], ctx.state["bytes"] = end, file.tell()
            ctx.progress(end, rows, f"{end} rows")
    partial.rename(FOLDER / name)  # whole or not there
    notify.enqueue(user, f"your export is ready: /files/{name}")
    return name


web = FastAPI(title="Export", lifespan=tasks.lifespan(worker=True))


@web.post("/exports", status_code=202)
async def ask(user: str, rows: int = 10_000) -> dict[str, str]:
    """Begin one; the answer comes at once."""
    job = await export.aenqueue(user, rows)
    return {"id": str(job.id), "status_url": f"/exports/{job.id}"}


@web.get("/exports/{job_id}")
async def look(job_id: UUID) -> dict[str, object]:
    """How far it is, and where the file is."""
    handle = tasks.handle(job_id)
    try:
        job = await handle.ajob()
    except TaskforgeError:
        raise HTTPException(404, "there is no such export") from None
    link = f"/files/{await handle.aresult()}" if job.status == "succeeded" else None
    return {"status": job.status, "progress": job.progress, "link": link}


@web.delete("/exports/{job_id}", status_code=204)
async def stop(job_id: UUID) -> None:
    """Never mind."""
    await tasks.handle(job_id).acancel()


@web.get("/files/{name}")
def download(name: str) -> FileResponse:
    """The file."""
    if name not in {path.name for path in FOLDER.glob("*.csv")}:
        raise HTTPException(404, "there is no such file")
    return FileResponse(FOLDER / name, media_type="text/csv", filename="export.csv")


@web.get("/notices/{user}")
async def told(user: str) -> list[str]:
    """What a person was told."""
    return notices.get(user, [])


@web.get("/", response_class=HTMLResponse)
async def page() -> str:
    """Ask, watch, fetch."""
    return """<!doctype html><title>Export</title><h1>Export</h1>
<button id="ask">Export 50,000 rows</button> <progress id="bar" value="0" max="1" hidden></progress> <span id="text"></span>
<script>
const get = async (url, options) => (await fetch(url, options)).json();
document.getElementById("ask").onclick = async () => {
  const { status_url } = await get("/exports?user=ani&rows=50000", { method: "POST" });
  const bar = document.getElementById("bar"), text = document.getElementById("text");
  bar.hidden = false;
  for (;;) {
    const { status, progress, link } = await get(status_url);
    if (progress) { bar.max = progress.total; bar.value = progress.done; }
    text.textContent = status;
    if (link) { text.innerHTML = `<a href="${link}">your file</a>`; return; }
    if (status === "failed" || status === "cancelled") return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};
</script>"""


if __name__ == "__main__":
    uvicorn.run(web, host="127.0.0.1", port=int(os.environ.get("PORT", "8004")))
