// Markdown's tree as nodes.
import { copyFrom, el, icon } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { parseMarkdown } from './markdown.js';

/** `referenceView(label)` makes the node of a label that boxes belong to. */
export function markdownNodes(text, referenceView) {
  return parseMarkdown(text).map((block) => blockNode(block, referenceView));
}

function blockNode(block, view) {
  const inlines = () => inlineNodes(block.inlines, view);
  switch (block.type) {
    case 'heading':
      return el(`h${Math.min(block.level + 2, 6)}`, {}, ...inlines());
    case 'code':
      return codeNode(block);
    case 'quote':
      return el('blockquote', {}, ...block.blocks.map((each) => blockNode(each, view)));
    case 'list':
      return listNode(block, view);
    case 'table':
      return tableNode(block, view);
    case 'rule':
      return el('hr');
    default:
      return el('p', {}, ...inlines());
  }
}

function codeNode({ language, text }) {
  const button = el('button', { type: 'button', class: 'text-button', on: { click: () => copyFrom(button, text, t('copied')) } },
    icon('copy'), t('copy'));
  return el('figure', { class: 'code' }, el('figcaption', {}, el('span', { textContent: language }), button),
    el('pre', { tabIndex: 0 }, el('code', { textContent: text })));
}

function listNode({ start, items }, view) {
  const list = start === null ? el('ul') : el('ol', { start });
  list.append(...items.map((blocks) => {
    const [first, ...others] = blocks;
    const isLine = first?.type === 'paragraph' && others.every(({ type }) => type === 'list');
    const nodes = isLine ? inlineNodes(first.inlines, view) : first ? [blockNode(first, view)] : [];
    return el('li', {}, ...nodes, ...others.map((block) => blockNode(block, view)));
  }));
  return list;
}

function tableNode({ head, rows, aligns }, view) {
  const row = (cells, tag) => el('tr', {}, ...cells.map((cell, i) => el(tag, { class: `align-${aligns[i]}` }, ...inlineNodes(cell, view))));
  const table = el('table', {}, el('thead', {}, row(head, 'th')), el('tbody', {}, ...rows.map((cells) => row(cells, 'td'))));
  return el('div', { class: 'table', tabIndex: 0 }, table);
}

const inlineTags = { strong: 'strong', emphasis: 'em', deleted: 'del' };

function inlineNodes(inlines, view) {
  return inlines.map((inline) => {
    switch (inline.type) {
      case 'text':
        return inline.text;
      case 'code':
        return el('code', { textContent: inline.text });
      case 'break':
        return el('br');
      case 'reference':
        return view(inline.label);
      case 'link':
        return el('a', { href: inline.address, target: '_blank', rel: 'noopener noreferrer' }, ...inlineNodes(inline.inlines, view));
      default:
        return el(inlineTags[inline.type], {}, ...inlineNodes(inline.inlines, view));
    }
  });
}
