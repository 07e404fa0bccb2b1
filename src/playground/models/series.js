// What the charts show, out of what the server counts.

const numPoints = 120;

/** Per second between two readings {time (ms), value}; null where there is nothing to compare, as after a restart. */
export function rateOf(before, after) {
  const seconds = before ? (after.time - before.time) / 1000 : 0;
  if (seconds <= 0 || before.value === null || after.value === null || after.value < before.value) return null;
  return (after.value - before.value) / seconds;
}

/** What the growth of one counter is of that of another: hits of queries, seconds of requests. Null where the other did not grow. */
export function shareOf(before, after, part, whole) {
  if (!before || before[whole] === null || after[whole] === null) return null;
  const growth = after[whole] - before[whole];
  return growth > 0 && after[part] >= before[part] ? (after[part] - before[part]) / growth : null;
}

/** Readings of the counters and gauges that the charts need. */
export function readingOf(metrics, load, time) {
  const counter = (name) => metrics.total(`spyhop:${name}`);
  return {
    time,
    running: load.running,
    waiting: load.waiting,
    kv: load.kv_cache_usage,
    generated: counter('generation_tokens_total'),
    prompt: counter('prompt_tokens_total'),
    prefixQueries: counter('prefix_cache_queries_total'),
    prefixHits: counter('prefix_cache_hits_total'),
    visionQueries: counter('mm_cache_queries_total'),
    visionHits: counter('mm_cache_hits_total'),
    firstSum: counter('time_to_first_token_seconds_sum'),
    firstCount: counter('time_to_first_token_seconds_count'),
  };
}

/** A point of the charts from two readings, one after the other. */
export function pointOf(before, after) {
  const rate = (name) => rateOf(before && { time: before.time, value: before[name] }, { time: after.time, value: after[name] });
  return {
    running: after.running,
    waiting: after.waiting,
    kv: after.kv,
    generated: rate('generated'),
    prompt: rate('prompt'),
    prefix: shareOf(before, after, 'prefixHits', 'prefixQueries'),
    vision: shareOf(before, after, 'visionHits', 'visionQueries'),
    first: shareOf(before, after, 'firstSum', 'firstCount'),
  };
}

/** The last points, the newest at the end. */
export class Timeline {
  #last = null;
  points = [];

  add(reading) {
    this.points = [...this.points, pointOf(this.#last, reading)].slice(-numPoints);
    this.#last = reading;
  }

  /** The server did not answer: a gap. */
  skip() {
    this.#last = null;
    this.points = [...this.points, {}].slice(-numPoints);
  }

  values(name) {
    return this.points.map((point) => point[name] ?? null);
  }
}

export const timelineLength = numPoints;

/** The least of 1, 2, 5, 10, 20, ... times a power of ten that is not below the value. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((limit) => limit >= value * 0.999999);
}
