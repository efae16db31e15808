"""A Flask application that enqueues; its worker is a process of its own.

flask --app examples/flask_app/main.py run
taskforge worker examples/flask_app/main.py:tasks
"""

import os
from uuid import UUID

from flask import Flask, jsonify, request

from taskforge import TaskForge, TaskforgeError

tasks = TaskForge(os.environ.get("TASKFORGE_DATABASE_URL", "sqlite:///flask.db"))
web = Flask(__name__)


@tasks.task
def thumbnail(image: str, width: int = 200) -> str:
    """Make a small picture of a large one."""
    return f"{image.rpartition('.')[0]}-{width}.jpg"


@web.post("/images/<name>/thumbnail")
def begin(name: str):
    """Enqueue: Flask is synchronous, so are the verbs."""
    job = thumbnail.enqueue(name, int(request.args.get("width", 200)))
    return jsonify(id=str(job.id)), 202


@web.get("/jobs/<uuid:job_id>")
def look(job_id: UUID):
    """How it stands."""
    try:
        job = tasks.handle(job_id)
        status = job.status()
    except TaskforgeError:
        return jsonify(error="there is no such job"), 404
    return jsonify(status=status, result=job.result() if status == "succeeded" else None)
