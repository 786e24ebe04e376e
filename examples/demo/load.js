'use strict';
// The load generator: `users` simultaneous HTTP clients by autocannon, in a process of its own so
// that it does not take the server's event loop. Started by run.js, to which it sends messages:
// { progress } four times a second, { result } at the end.

const autocannon = require('autocannon');

const PROGRESS_MS = 250;
const SAMPLES = 40; // points of the throughput plot, unless they would be shorter than PROGRESS_MS
const PERCENTILES = [50, 75, 90, 95, 99, 99.9];
const IDS_PER_USER = 50;
const ERRORS_MAX = 2000; // a server that refuses everything ends the run early

/** Counts what arrives between the end of the warm-up and the end of the run. */
class Recorder {
  constructor({ warmupMs, durationMs }) {
    this.warmupMs = warmupMs;
    this.start();
    this.durationMs = durationMs;
    this.sampleMs = Math.max(PROGRESS_MS, durationMs / SAMPLES);
    this.samples = new Array(Math.ceil(durationMs / this.sampleMs)).fill(0);
    this.latencies = [];
    this.errors = { connection: 0, timeout: 0, status: 0, wrong: 0 };
    this.firstError = null;
  }

  /** Called when the users are there: making hundreds of them takes its own time. */
  start() {
    this.from = performance.now() + this.warmupMs;
  }

  answer(latencyMs) {
    const at = performance.now() - this.from;
    if (at < 0 || at >= this.durationMs) return;
    this.samples[Math.floor(at / this.sampleMs)] += 1;
    this.latencies.push(latencyMs);
  }

  /** Errors count at any time, the warm-up included: none of them is expected. */
  error(kind, what) {
    this.errors[kind] += 1;
    this.firstError ??= `${kind}: ${what}`;
  }

  get errorCount() {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }

  progress() {
    const elapsedMs = Math.min(performance.now() - this.from, this.durationMs);
    return { elapsedMs, answered: this.latencies.length, errors: this.errorCount };
  }

  result() {
    const sorted = Float64Array.from(this.latencies).sort();
    const rank = (p) => sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? null;
    return {
      answered: sorted.length,
      perSecond: sorted.length / (this.durationMs / 1000),
      latencyMs: PERCENTILES.map((percentile) => ({ percentile, ms: rank(percentile) })),
      series: this.samples.map((count, i) => ({
        seconds: ((i + 0.5) * this.sampleMs) / 1000,
        perSecond: count / (this.sampleMs / 1000),
      })),
      errors: this.errors,
      errorCount: this.errorCount,
      firstError: this.firstError,
    };
  }
}

/** A reason to refuse the answer, or null when it is a 200 that carries the user asked for. */
function fault(status, body, id) {
  if (status !== 200) return ['status', `${status} ${body}`];
  try {
    if (JSON.parse(body).id === id) return null;
  } catch {
    // not JSON: as wrong as another user's row
  }
  return ['wrong', `asked for user ${id}, got ${body}`];
}

/** One user's requests: random ids, each answer compared with the id that was asked for. */
function requestsOfOneUser(ids, verdict) {
  return Array.from({ length: IDS_PER_USER }, () => {
    const id = 1 + Math.floor(Math.random() * ids);
    return {
      path: `/users/${id}`,
      onResponse: (status, body) => verdict(fault(status, body, id)),
    };
  });
}

function run(job) {
  const recorder = new Recorder(job);
  const setupClient = (client) => {
    let refused = null;
    // autocannon calls onResponse and then emits `response`, without anything in between.
    client.setRequests(requestsOfOneUser(job.ids, (verdict) => (refused = verdict)));
    client.on('response', (status, bytes, latencyMs) => {
      if (refused) recorder.error(refused[0], refused[1].slice(0, 200));
      else recorder.answer(latencyMs);
      if (recorder.errorCount >= ERRORS_MAX) instance.stop();
    });
  };
  const instance = autocannon(
    {
      url: job.url,
      connections: job.users,
      duration: (job.warmupMs + job.durationMs) / 1000,
      sampleInt: 100,
      timeout: 10,
      bailout: ERRORS_MAX,
      setupClient,
    },
    (error, summary) => {
      if (error) throw error;
      clearInterval(timer);
      recorder.errors.timeout = summary.timeouts;
      recorder.errors.connection = summary.errors - summary.timeouts;
      process.send({ result: recorder.result() }, () => process.disconnect());
    },
  );
  instance.on('start', () => recorder.start());
  instance.on('reqError', (error) => (recorder.firstError ??= error.message));
  const timer = setInterval(() => process.send({ progress: recorder.progress() }), PROGRESS_MS);
}

if (require.main === module) {
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; run.js decides what ends when
  process.on('disconnect', () => process.exit());
  process.once('message', run);
}

module.exports = { PERCENTILES, Recorder, fault };
