// Building the page out of nodes: no text ever becomes markup.

const svgNamespace = 'http://www.w3.org/2000/svg';

/**
 * An element. `properties` are set as they are (`textContent`, `disabled`, ...), save `class`, `on` (listeners by event),
 * `data`, and names with a dash or in `attributes`, which become attributes. Absent children are left out.
 */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same in SVG, where everything is an attribute. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(svgNamespace, tag);
  const { on = {}, ...others } = attributes;
  for (const [name, value] of Object.entries(others)) node.setAttribute(name, value);
  return fill(node, { on }, children);
}

function fill(node, { on = {}, data = {}, attributes = {}, class: className, ...properties }, children) {
  if (className) node.className = className;
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  for (const [name, value] of Object.entries(data)) node.dataset[name] = value;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-')) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

const iconPaths = {
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  key: 'M14.5 3a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M10 14l-7 7M5.5 18.5L8 21',
  language: 'M3 12a9 9 0 1 0 18 0 9 9 0 1 0-18 0M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18',
  menu: 'M4 7h16M4 12h16M4 17h16',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9.5h.01',
  plus: 'M12 5v14M5 12h14',
  retry: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5',
  send: 'M12 20V5M6 11l6-6 6 6',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  stop: 'M7 7h10v10H7z',
  theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9',
  trash: 'M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5',
};

/** A line drawing that readers of screens skip: its button has a label. */
export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: iconPaths[name] }));
}

/** Puts the drawings into the buttons that the page's HTML holds. */
export function placeIcons(root = document) {
  for (const node of root.querySelectorAll('[data-icon]')) node.prepend(icon(node.dataset.icon));
}

/** A button with a drawing; `label` is what readers of screens say and what shows on hover. */
export function iconButton(name, label, onClick, more = {}) {
  return el('button', { type: 'button', class: 'icon-button', title: label, 'aria-label': label, on: { click: onClick }, ...more },
    icon(name));
}

/** Copies, and shows on the button for a moment that it did. */
export async function copyFrom(button, text, doneLabel) {
  await writeToClipboard(text);
  const before = [...button.childNodes];
  const label = button.getAttribute('aria-label');
  button.replaceChildren(icon('check'), ...(label ? [] : [doneLabel]));
  announce(doneLabel);
  setTimeout(() => button.replaceChildren(...before), 1500);
}

async function writeToClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Pages without TLS that do not come from this machine have none: the older way, from a field beside what has the focus.
  const focused = document.activeElement;
  const field = el('textarea', { class: 'visually-hidden', value: text });
  (focused?.closest('dialog') ?? document.body).append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  focused?.focus();
}

/** Has readers of screens say something. */
export function announce(text) {
  byId('announcements').textContent = text;
}
