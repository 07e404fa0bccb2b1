// The page of models and load.
import { requestJson, requestText } from '../shared/api.js';
import { byId } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { formatNumber, onLanguage, t } from '../shared/i18n.js';
import { askForKey, asksForKey, setUpPage } from '../shared/page.js';
import { keyStore } from '../shared/preferences.js';
import { Chart } from './chart.js';
import { parseExposition } from './exposition.js';
import { showLaunchForm } from './launch_form.js';
import { readModels, showMemory, showModels } from './model_list.js';
import { Timeline, readingOf } from './series.js';

const everyMs = 2000;
const whole = (value) => formatNumber(value, value < 10 ? 1 : 0);
const share = (value) => `${formatNumber(100 * value)} %`;
const seconds = (value) => `${formatNumber(value, 2)} s`;

const charts = [
  { titleKey: 'chart.requests', format: formatNumber, lines: [{ name: 'running', labelKey: 'chart.running' }, { name: 'waiting', labelKey: 'chart.waiting' }] },
  { titleKey: 'chart.tokens', format: whole, lines: [{ name: 'generated', labelKey: 'chart.generated' }, { name: 'prompt', labelKey: 'chart.prompt' }] },
  { titleKey: 'chart.kv', format: share, limit: 1, lines: [{ name: 'kv' }] },
  { titleKey: 'chart.hits', format: share, limit: 1, lines: [{ name: 'prefix', labelKey: 'chart.prefix' }, { name: 'vision', labelKey: 'chart.vision' }] },
  { titleKey: 'chart.first', format: seconds, lines: [{ name: 'first' }] },
].map((spec) => new Chart({ ...spec, format: (value) => spec.format(value) }));

const timeline = new Timeline();
let resident = null;
let shown = ''; // what the list of models shows: it is drawn anew only when that changes, so that nothing is lost under the hand

setUpPage(() => start());
byId('charts').append(...charts.map(({ node }) => node));
onLanguage(() => {
  shown = '';
  drawCharts();
  start();
});

function tell(sentence) {
  const note = byId('server-note');
  note.hidden = !sentence;
  if (note.textContent !== sentence) note.textContent = sentence;
}

function drawCharts() {
  charts.forEach((chart) => chart.draw(timeline));
}

async function refreshLoad() {
  try {
    const [text, load] = await Promise.all([requestText('metrics'), requestJson('load')]);
    const metrics = parseExposition(text);
    resident = metrics.total('process_resident_memory_bytes');
    timeline.add(readingOf(metrics, load, performance.now()));
  } catch {
    timeline.skip(); // the list of models tells why
  }
  drawCharts();
}

async function refreshModels() {
  try {
    const models = await readModels();
    tell('');
    showMemory(models, resident);
    const now = JSON.stringify(models);
    if (now === shown) return;
    shown = now;
    showModels(models, { onChange: refreshModels, onFailure: tell });
  } catch (error) {
    tell(explain(error).sentence);
  }
}

async function refresh() {
  if (!document.hidden) {
    await refreshLoad();
    await refreshModels();
  }
}

async function start() {
  if ((await asksForKey()) && !keyStore.get() && !(await askForKey())) return tell(t('error.key_missing'));
  await refresh();
  await showLaunchForm(refreshModels);
}

async function keepRefreshing() {
  await refresh();
  setTimeout(keepRefreshing, everyMs);
}

drawCharts();
await start();
setTimeout(keepRefreshing, everyMs);
