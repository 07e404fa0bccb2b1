// What both pages have in common: language, theme, key, panels and dialogs.
import { requestJson } from './api.js';
import { byId, el, placeIcons } from './dom.js';
import { explain } from './explain.js';
import { language, setLanguage, t, translate } from './i18n.js';
import { keyStore, recall, remember } from './preferences.js';

/** Sets the page up; `onKey()` is called when the key has changed. */
export function setUpPage(onKey) {
  placeIcons();
  translate();
  byId('language-button').addEventListener('click', () => setLanguage(language() === 'en' ? 'zh' : 'en'));
  byId('theme-button').addEventListener('click', switchTheme);
  for (const button of document.querySelectorAll('.close-dialog')) {
    button.addEventListener('click', () => button.closest('dialog').close());
  }
  setUpKey(onKey);
}

function switchTheme() {
  const shown = recall('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  const theme = shown === 'dark' ? 'light' : 'dark';
  remember('theme', theme);
  document.documentElement.dataset.theme = theme;
}

/** Whether the server asks for a key; false where it cannot be reached. */
export async function asksForKey() {
  try {
    return (await requestJson('v1/cluster/auth')).auth === true;
  } catch {
    return false;
  }
}

function setUpKey(onKey) {
  byId('key-button').addEventListener('click', () => askForKey().then((changed) => changed && onKey()));
}

/**
 * Shows the dialog for the key, with `problem` as what is wrong with the one there is. Resolves with whether a key that the
 * server takes was given.
 */
export function askForKey(problem = '') {
  if (document.querySelector('#key-dialog')) return Promise.resolve(false);
  const field = el('input', { id: 'key', type: 'password', autocomplete: 'off', spellcheck: false, value: keyStore.get() });
  const keep = el('input', { type: 'checkbox', checked: keyStore.isKept() });
  const failure = el('p', { class: 'failure', role: 'alert', textContent: problem, hidden: !problem });
  const cancel = el('button', { type: 'button', textContent: t('cancel'), on: { click: () => dialog.close() } });
  const form = el('form', { method: 'dialog' },
    el('h2', { id: 'key-title', textContent: t('key.title') }),
    el('p', { class: 'note', textContent: t('key.text') }),
    failure,
    el('label', { class: 'field' }, el('span', { textContent: t('key.field') }), field),
    el('label', { class: 'check' }, keep, el('span', { textContent: t('key.keep') })),
    el('div', { class: 'dialog-buttons' }, cancel, el('button', { type: 'submit', class: 'primary', textContent: t('key.save') })));
  const dialog = el('dialog', { id: 'key-dialog', 'aria-labelledby': 'key-title' }, form);
  document.body.append(dialog);
  dialog.showModal();
  field.select();
  return new Promise((resolve) => {
    let isAccepted = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      keyStore.set(field.value.trim(), keep.checked);
      try {
        await requestJson('v1/models');
        isAccepted = true;
        dialog.close();
      } catch (error) {
        failure.textContent = explain(error).sentence;
        failure.hidden = false;
        field.focus();
      }
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isAccepted);
    });
  });
}

/** Asks before something is lost. Resolves with the answer. */
export function confirmInDialog(question, confirmLabel) {
  return new Promise((resolve) => {
    let isConfirmed = false;
    const confirm = () => {
      isConfirmed = true;
      dialog.close();
    };
    const dialog = el('dialog', { id: 'confirm-dialog', 'aria-labelledby': 'confirm-question' },
      el('p', { id: 'confirm-question', textContent: question }),
      el('div', { class: 'dialog-buttons' },
        el('button', { type: 'button', textContent: t('cancel'), on: { click: () => dialog.close() } }),
        el('button', { type: 'button', class: 'danger', textContent: confirmLabel, on: { click: confirm } })));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isConfirmed);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A panel at the page's side: `opener` shows and hides it, Escape and its own button hide it, the focus comes back. */
export function setUpPanel(panel, opener, { isOpen = false } = {}) {
  const show = (open) => {
    panel.hidden = !open;
    opener.setAttribute('aria-expanded', String(open));
  };
  const close = () => {
    show(false);
    opener.focus();
  };
  opener.addEventListener('click', () => {
    show(panel.hidden);
    if (!panel.hidden) panel.querySelector('input, select, textarea, button, a')?.focus();
  });
  panel.querySelector('.close-panel').addEventListener('click', close);
  panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());
  show(isOpen);
  return { close: () => show(false) };
}
