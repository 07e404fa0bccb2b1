// What is loaded, on its way, or failed.
import { request, requestJson } from '../shared/api.js';
import { byId, el } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { formatBytes, t } from '../shared/i18n.js';
import { confirmInDialog } from '../shared/page.js';

/** [{uid, status, quantization, context, memoryBytes, error, progress}] of the server's models. */
export async function readModels() {
  const [instances, { data }] = await Promise.all([requestJson('v1/models/instances'), requestJson('v1/models')]);
  const served = new Map(data.map((model) => [model.id, model]));
  return Promise.all(instances.map(async ({ model_uid: uid, status, quantization, error_message: error }) => {
    const { memory_bytes: memoryBytes = 0, context_length: context = 0 } = served.get(uid) ?? {};
    return { uid, status, quantization, context, memoryBytes, error, progress: await readProgress(uid, status) };
  }));
}

async function readProgress(uid, status) {
  if (status !== 'CREATING' && status !== 'LOADING') return null;
  try {
    return await requestJson(`v1/models/${encodeURIComponent(uid)}/progress`);
  } catch {
    return null; // it has just ended
  }
}

/** `onChange()` is called after a model was ended; `onFailure(sentence)` when that did not work. */
export function showModels(models, { onChange, onFailure }) {
  const list = byId('models');
  const focused = document.activeElement?.closest?.('#models li')?.dataset.uid;
  list.replaceChildren(...models.map((model) => modelCard(model, { onChange, onFailure })));
  if (focused !== undefined) [...list.children].find(({ dataset }) => dataset.uid === focused)?.querySelector('button')?.focus();
  byId('no-models').hidden = models.length > 0;
}

function modelCard(model, { onChange, onFailure }) {
  const { uid, status, quantization, context, memoryBytes, error, progress } = model;
  const facts = [
    quantization && quantization !== 'none' && quantization,
    context > 0 && t('models.context', { tokens: context }),
    memoryBytes > 0 && t('models.planned', { bytes: formatBytes(memoryBytes) }),
  ].filter(Boolean).join(' · ');
  const end = async (event) => {
    const { target } = event;
    if (status === 'READY' && !(await confirmInDialog(t('models.unload_question', { uid }), t('models.unload')))) return;
    target.disabled = true;
    try {
      await request(`v1/models/${encodeURIComponent(uid)}`, { method: 'DELETE' });
      onChange();
    } catch (failure) {
      target.disabled = false;
      onFailure(explain(failure).sentence);
    }
  };
  const label = { READY: 'models.unload', ERROR: 'models.dismiss' }[status] ?? 'models.cancel';
  return el('li', { class: 'card', data: { uid, status } },
    el('div', { class: 'card-head' }, el('strong', { textContent: uid }), el('span', { class: 'state', textContent: t(`models.state.${status}`) })),
    facts && el('p', { class: 'note', textContent: facts }),
    progress && progressNode(progress),
    error && el('p', { class: 'failure', textContent: error }),
    el('button', { type: 'button', textContent: t(label), disabled: status === 'TERMINATING', 'aria-label': `${t(label)}: ${uid}`, on: { click: end } }));
}

function progressNode({ progress, download_files: files }) {
  const total = files.reduce((sum, file) => sum + file.total_bytes, 0);
  const done = files.reduce((sum, file) => sum + file.downloaded_bytes, 0);
  return el('div', { class: 'progress' },
    el('progress', { max: 1, value: progress ?? 0, 'aria-label': t('models.load') }),
    total > 0 && done < total && el('span', { class: 'note', textContent: t('models.download', { done: formatBytes(done), total: formatBytes(total) }) }));
}

/** How the planned memory is shared, beside what the program takes. */
export function showMemory(models, residentBytes) {
  const planned = models.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const whole = Math.max(planned, residentBytes ?? 0, 1);
  const parts = models.filter(({ memoryBytes }) => memoryBytes > 0);
  const bar = (className, bytes, title) => {
    const node = el('span', { class: className, title });
    node.style.width = `${(100 * bytes) / whole}%`;
    return node;
  };
  byId('memory').replaceChildren(
    el('div', { class: 'memory-bar', 'aria-hidden': 'true' },
      ...parts.map(({ uid, memoryBytes }, i) => bar(`part line-${i % 2}`, memoryBytes, `${uid}: ${formatBytes(memoryBytes)}`))),
    el('div', { class: 'memory-bar resident', 'aria-hidden': 'true' }, bar('part', residentBytes ?? 0, formatBytes(residentBytes ?? 0))),
    el('p', { class: 'note', textContent: t('models.memory_planned', { planned: formatBytes(planned), resident: formatBytes(residentBytes ?? 0) }) }));
}
