// Clocks of one measurement: operations per second, CPU, loop lag and memory of this process.
import { readFileSync, writeFileSync } from 'node:fs';

/** A stretch of time that workers share; `more` says whether to begin another operation. */
export class Lap {
  constructor(seconds, checkEvery) {
    this.mask = checkEvery - 1;
    this.started = 0;
    this.over = false;
    this.begin = performance.now();
    this.deadline = this.begin + seconds * 1000;
  }

  // Workers that only wait for promises never yield to a timer, so the clock is read here; reading
  // it every time would cost a fast operation a measurable share.
  more() {
    if (this.over) return false;
    if ((this.started & this.mask) === 0 && performance.now() >= this.deadline) {
      this.over = true;
      return false;
    }
    this.started += 1;
    return true;
  }
}

/** Runs `work(worker, lap)` in so many concurrent loops; all operations begun are also ended. */
export async function timed(work, { workers, seconds, checkEvery }) {
  const cpu = cpuClock();
  const lap = new Lap(seconds, checkEvery);
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker, lap)));
  const elapsed = (performance.now() - lap.begin) / 1000;
  const spent = cpu();
  return {
    operations: lap.started,
    seconds: elapsed,
    rate: lap.started / elapsed,
    scriptUs: spent.script === null ? null : spent.script / lap.started,
    processUs: spent.process / lap.started,
  };
}

function cpuClock() {
  const process0 = process.cpuUsage();
  const script0 = scriptThreadUs();
  return () => {
    const { user, system } = process.cpuUsage(process0);
    const script = scriptThreadUs();
    return { process: user + system, script: script === null ? null : script - script0 };
  };
}

// JavaScript runs on the main thread in Node.js and in Bun, and Linux gives that thread the id of
// the process. The first field of schedstat is its CPU time in nanoseconds.
function scriptThreadUs() {
  if (typeof process.threadCpuUsage === 'function') {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  }
  try {
    const path = `/proc/self/task/${process.pid}/schedstat`;
    return Number(readFileSync(path, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return null;
  }
}

const FREE_MS = 5;
const TICK_MS = 1;

/** Watches how late a 1 ms timer comes; `blocked` is the lateness beyond 5 ms, summed. */
export class LoopWatch {
  worst = 0;
  blocked = 0;
  elapsed = 0;

  start() {
    this.begin = this.last = performance.now();
    const tick = () => {
      this.sample();
      this.timer = setTimeout(tick, TICK_MS);
    };
    this.timer = setTimeout(tick, TICK_MS);
  }

  sample() {
    const now = performance.now();
    const late = now - this.last - TICK_MS;
    this.last = now;
    if (late > this.worst) this.worst = late;
    if (late > FREE_MS) this.blocked += late - FREE_MS;
  }

  stop() {
    clearTimeout(this.timer);
    this.sample();
    this.elapsed += this.last - this.begin;
  }
}

const MIB = 1024 * 1024;

/** Growth of the resident memory: `peak()` gives the most it ever was above the start, in MiB. */
export class MemoryWatch {
  constructor() {
    this.start = process.memoryUsage().rss;
    this.sampled = this.start;
    resetHighWater();
    // Where the kernel keeps no high-water mark, samples have to do.
    if (highWater() === null) this.timer = setInterval(() => this.sample(), 5);
  }

  sample() {
    this.sampled = Math.max(this.sampled, process.memoryUsage().rss);
  }

  peak() {
    clearInterval(this.timer);
    this.sample();
    return (Math.max(highWater() ?? 0, this.sampled) - this.start) / MIB;
  }
}

// Linux sets VmHWM back to the present size when 5 is written here.
function resetHighWater() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not permitted: the mark then also covers the start of the process.
  }
}

function highWater() {
  try {
    const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
