// The text format of Prometheus, as GET /metrics has it.

const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;

/** {total(name)}: a series summed over its labels, null where there is none. What is no sample is passed over. */
export function parseExposition(text) {
  const totals = new Map();
  for (const line of text.split('\n')) {
    const found = line.startsWith('#') ? null : line.match(sample);
    const value = found ? Number(found[3]) : NaN;
    if (Number.isFinite(value)) totals.set(found[1], (totals.get(found[1]) ?? 0) + value);
  }
  return { total: (name) => totals.get(name) ?? null };
}
