// The list of earlier conversations.
import { byId, el, iconButton } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

/** `entries`: [{id, title}]; `current`: id of the one that is shown. */
export function showHistory(entries, current, { onOpen, onRemove }) {
  byId('history-list').replaceChildren(...entries.map(({ id, title }) => {
    const name = title || t('history.untitled');
    const open = el('button', { type: 'button', class: 'entry', title: name, textContent: name, on: { click: () => onOpen(id) } });
    if (id === current) open.setAttribute('aria-current', 'true');
    return el('li', {}, open, iconButton('trash', t('history.remove', { title: name }), () => onRemove(id)));
  }));
  byId('clear-history').hidden = entries.length === 0;
}
