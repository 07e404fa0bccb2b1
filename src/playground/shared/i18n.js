// The page in the reader's language.
import { chinese } from './words_zh.js';
import { english } from './words_en.js';
import { recall, remember } from './preferences.js';

const languages = { en: english, zh: chinese };
const listeners = new Set();

let current = recall('language') ?? ((globalThis.navigator?.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en');
if (!languages[current]) current = 'en';

export const language = () => current;

/** The text of a key, with {name} replaced by values.name; numbers are written as the language writes them. */
export function t(key, values = {}) {
  const text = languages[current][key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? formatNumber(value) : String(value ?? '');
  });
}

export function formatNumber(value, digits = 0) {
  return new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);
}

export function formatBytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes > 0 ? Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1) : 0;
  return `${formatNumber(bytes / 1024 ** power, power > 2 ? 2 : power > 1 ? 1 : 0)} ${units[power]}`;
}

/** Calls `listener` when the language changes, for texts that code has written. */
export function onLanguage(listener) {
  listeners.add(listener);
}

export function setLanguage(name) {
  current = name;
  remember('language', name);
  translate();
  listeners.forEach((listener) => listener());
}

/**
 * Fills in the texts that the HTML names: data-t is the text, data-t-label what readers of screens say and what shows on hover,
 * data-t-placeholder the hint of a field.
 */
export function translate(root = document) {
  if (root === document) document.documentElement.lang = current === 'zh' ? 'zh-Hans' : 'en';
  for (const node of root.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll('[data-t-placeholder]')) node.placeholder = t(node.dataset.tPlaceholder);
  for (const node of root.querySelectorAll('[data-t-label]')) {
    node.setAttribute('aria-label', t(node.dataset.tLabel));
    node.title = t(node.dataset.tLabel);
  }
}
