// A TaskForge worker in JavaScript without dependencies: node 18 or newer.
//
//   TASKFORGE_SERVER=http://127.0.0.1:8000 TASKFORGE_KEY=tfk_... node worker.mjs
//
// Or in a program of your own: import { Worker } from "./worker.mjs", give it handlers by job type, await run().
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

export class Snooze extends Error {
  constructor(milliseconds) {
    super(`again in ${milliseconds} ms`);
    this.milliseconds = milliseconds;
  }
}

export class Worker {
  #running = new Map(); // by execution id: {fence, abort, lines, seq}
  #stopping = new AbortController();
  #freed = () => {};

  constructor({ server, key, handlers, queues = ["default"], concurrency = 10, name = `node-${hostname()}-${process.pid}` }) {
    Object.assign(this, { server, key, handlers, queues, concurrency, name });
  }

  stop() {
    this.#stopping.abort();
  }

  async run() {
    await this.#register();
    const beating = this.#beat();
    let inHand; // given after an answer that did not come: whatever else we were handed goes back
    while (!this.#stopping.signal.aborted) {
      const free = this.concurrency - this.#running.size;
      if (free === 0) {
        await new Promise((resolve) => (this.#freed = resolve));
        continue;
      }
      try {
        const asked = { free, wait_ms: 20_000, ...(inHand && { in_hand: inHand }) };
        const { attempts } = await this.#post("/claim", asked, { signal: this.#stopping.signal });
        inHand = undefined;
        for (const attempt of attempts) this.#run(attempt);
      } catch (error) {
        inHand = [...this.#running.values()].map((running) => running.fence);
        if (this.#stopping.signal.aborted) break;
        console.error(`cannot claim: ${error.message}`);
        await sleep(500);
      }
    }
    while (this.#running.size) await new Promise((resolve) => (this.#freed = resolve));
    await this.#post("/leave", { in_hand: [] });
    await beating;
  }

  async #register() {
    const answer = await this.#send("POST", "/workers", this.key, {
      name: this.name,
      queues: this.queues,
      max_concurrent_jobs: this.concurrency,
      tasks: Object.keys(this.handlers).map((name) => ({ name, queue: this.queues[0] })),
    });
    this.id = answer.worker_id;
    this.token = answer.token;
    this.beatInterval = answer.heartbeat_interval_ms;
    console.error(`${this.name}: registered as ${this.id}`);
  }

  async #run(attempt) {
    const { job_id, claim_seq, execution_id } = attempt;
    const running = { fence: { job_id, claim_seq, execution_id }, abort: new AbortController(), lines: [], seq: 0 };
    this.#running.set(execution_id, running);
    const log = (message, level = "info", metadata = null) => {
      const line = { seq: ++running.seq, level, message: String(message).slice(0, 10_000) || "-", metadata };
      running.lines.push({ ...line, logged_at: new Date().toISOString() });
    };
    const started = performance.now();
    const timer = setTimeout(() => running.abort.abort(new Error("the attempt took too long")), attempt.timeout_ms);
    let outcome;
    try {
      const job = { ...attempt, log, signal: running.abort.signal };
      const output = await abortable(this.handlers[attempt.job_type](attempt.payload, job), running.abort.signal);
      outcome = { status: "succeeded", output: output ?? null };
    } catch (error) {
      if (running.cancelled) outcome = { status: "cancelled", reason: "stopped on request" };
      else if (error instanceof Snooze) outcome = { status: "snoozed", delay_ms: error.milliseconds };
      else outcome = { status: "failed", timed_out: running.abort.signal.aborted, error: described(error) };
    }
    clearTimeout(timer);
    if (!running.lost) {
      const duration_ms = performance.now() - started;
      await this.#settle({ ...running.fence, outcome, duration_ms, lines: running.lines });
    }
    this.#running.delete(execution_id);
    this.#freed();
  }

  async #settle(report) {
    for (let pause = 200; ; pause = Math.min(8000, pause * 2)) {
      try {
        const { lost } = await this.#post("/settle", { reports: [report] });
        if (lost.length) console.error(`execution ${report.execution_id} was given to another worker`);
        return;
      } catch (error) {
        console.error(`cannot report ${report.execution_id}: ${error.message}`);
        if (error.status >= 400 && error.status < 500 && error.status !== 429) {
          if (report.outcome.error?.type === "ReportRefused") return;
          const message = `how the attempt ended was refused: ${error.message}`.slice(0, 1000);
          report = { ...report, lines: [], outcome: { status: "failed", error: { type: "ReportRefused", message } } };
        }
        await sleep(pause);
      }
    }
  }

  async #beat() {
    let pause = this.beatInterval;
    while (!this.#stopping.signal.aborted || this.#running.size) {
      await sleep(Math.min(pause, 500));
      pause -= 500;
      if (pause > 0) continue;
      pause = this.beatInterval;
      try {
        const executions = [...this.#running.values()].map((running) => running.fence);
        const commands = await this.#post("/heartbeat", { executions });
        for (const id of commands.cancel) this.#abort(id, "cancelled");
        for (const id of commands.lost) this.#abort(id, "lost");
        if (commands.drain) this.stop();
      } catch (error) {
        console.error(`cannot send a heartbeat: ${error.message}`);
        pause = this.beatInterval / 4;
      }
    }
  }

  #abort(executionId, why) {
    const running = this.#running.get(executionId);
    if (!running) return;
    running[why] = true;
    running.abort.abort(new Error(why));
  }

  #post(path, body, options) {
    return this.#send("POST", `/workers/${this.id}${path}`, this.token, body, options);
  }

  async #send(method, path, token, body, { signal } = {}) {
    const headers = {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      Prefer: "return=representation",
    };
    const patience = AbortSignal.timeout(60_000);
    const response = await fetch(`${this.server}/api/v1${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
      signal: signal ? anyOf(signal, patience) : patience,
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : {};
    if (!response.ok) throw Object.assign(new Error(answer.detail ?? `status ${response.status}`), { status: response.status });
    return answer.data;
  }
}

function abortable(promise, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    Promise.resolve(promise).then(resolve, reject);
  });
}

function anyOf(...signals) {
  const any = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) any.abort(signal.reason);
    signal.addEventListener("abort", () => any.abort(signal.reason), { once: true });
  }
  return any.signal;
}

function described(error) {
  const message = String(error?.message ?? error).slice(0, 10_000);
  return { type: error?.name ?? "Error", message, traceback: String(error?.stack ?? "").slice(0, 60_000) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const worker = new Worker({
    server: process.env.TASKFORGE_SERVER,
    key: process.env.TASKFORGE_KEY,
    handlers: {
      async "js.greet"({ name }, job) {
        job.log(`greeting ${name}`);
        return { greeting: `Halo, ${name}!` };
      },
      async "js.fail"() {
        throw new RangeError("this one always fails");
      },
      "js.sleep": ({ seconds }) => sleep(seconds * 1000),
    },
  });
  process.on("SIGTERM", () => worker.stop());
  process.on("SIGINT", () => worker.stop());
  await worker.run();
}
