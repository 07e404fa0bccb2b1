// Small charts of lines over time.
import { el, svg } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { roundUp, timelineLength } from './series.js';

const width = 240;
const height = 72;

/**
 * `titleKey` and the lines' `labelKey` are texts; a line's `name` is that of the timeline's values. `format(value)` writes a value,
 * `limit` is the end of the scale where it is not to follow the values.
 */
export class Chart {
  #spec;
  #plot = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' });
  #limit = el('span', { class: 'limit' });
  #legend = el('figcaption');

  constructor(spec) {
    this.#spec = spec;
    this.node = el('figure', { class: 'chart' }, this.#legend, el('div', { class: 'plot' }, this.#plot, this.#limit));
  }

  draw(timeline) {
    const { titleKey, lines, format, limit } = this.#spec;
    const series = lines.map((line) => ({ ...line, values: timeline.values(line.name) }));
    const most = limit ?? roundUp(Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
    const texts = series.map(({ labelKey, values }) => {
      const last = values.findLast((value) => value !== null);
      return { label: labelKey ? t(labelKey) : '', value: last === undefined ? '–' : format(last) };
    });
    this.#limit.textContent = format(most);
    this.#plot.replaceChildren(
      ...[0, 0.5, 1].map((share) => svg('line', { class: 'grid', x1: 0, x2: width, y1: share * height, y2: share * height })),
      ...series.map(({ values }, i) => svg('path', { class: `line line-${i}`, d: pathOf(values, most) })));
    this.#plot.setAttribute('aria-label', t('chart.summary', {
      title: t(titleKey), values: texts.map(({ label, value }) => `${label} ${value}`.trim()).join(', ') }));
    this.#legend.replaceChildren(el('strong', { textContent: t(titleKey) }), ...texts.map(({ label, value }, i) =>
      el('span', { class: `legend line-${i}` }, label && el('i', { 'aria-hidden': 'true' }), el('span', { textContent: label }), el('b', { textContent: value }))));
  }
}

/** A line with gaps where nothing is known; a point by itself is a short stroke. */
export function pathOf(values, most) {
  const step = width / (timelineLength - 1);
  const start = width - (values.length - 1) * step;
  let path = '';
  let isOpen = false;
  values.forEach((value, i) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const x = (start + i * step).toFixed(1);
    const y = (height - Math.min(value / most, 1) * height).toFixed(1);
    path += isOpen ? `L${x} ${y}` : `M${x} ${y}h.5`;
    isOpen = true;
  });
  return path;
}
