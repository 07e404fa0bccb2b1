// Markdown as a tree of plain objects. What is not understood stays text; there is no HTML.
//
// Blocks:  paragraph {inlines}, heading {level, inlines}, code {language, text}, quote {blocks},
//          list {start: number or null, items: [blocks]}, table {head, rows, aligns}, rule
// Inlines: text {text}, code {text}, strong, emphasis, deleted {inlines}, link {address, inlines}, break,
//          reference {label}: what the model names and gives boxes for
import { parseInlines } from './markdown_inline.js';

const maxDepth = 8;

const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const quote = /^ {0,3}> ?/;
const bullet = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}(?=\S)|\s*$)/;
const tableRule = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parseMarkdown(text) {
  return parseBlocks(text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n'), 0);
}

function parseBlocks(lines, depth) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (lines[at].trim() === '') {
      ++at;
      continue;
    }
    const { block, end } = readBlock(lines, at, depth);
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function readBlock(lines, at, depth) {
  const line = lines[at];
  if (fence.test(line)) return readCode(lines, at);
  const title = line.match(heading);
  if (title) return { block: { type: 'heading', level: title[1].length, inlines: parseInlines(title[2] ?? '') }, end: at + 1 };
  if (rule.test(line)) return { block: { type: 'rule' }, end: at + 1 };
  if (depth < maxDepth && quote.test(line)) return readQuote(lines, at, depth);
  if (depth < maxDepth && bullet.test(line)) return readList(lines, at, depth);
  if (isTable(lines, at)) return readTable(lines, at);
  return readParagraph(lines, at, depth);
}

/** Also one that is not closed yet: the answer may still be coming. */
function readCode(lines, at) {
  const [, marks, language] = lines[at].match(fence);
  const closing = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) ++end;
  return { block: { type: 'code', language, text: lines.slice(at + 1, end).join('\n') }, end: end + 1 };
}

function readQuote(lines, at, depth) {
  let end = at;
  while (end < lines.length && quote.test(lines[end])) ++end;
  const inner = lines.slice(at, end).map((line) => line.replace(quote, ''));
  return { block: { type: 'quote', blocks: parseBlocks(inner, depth + 1) }, end };
}

const isOrdered = (marker) => marker.length > 1;

function readList(lines, at, depth) {
  const [, , marker] = lines[at].match(bullet);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const start = lines[end].match(bullet);
    if (!start || isOrdered(start[2]) !== isOrdered(marker) || rule.test(lines[end])) break;
    const item = readItem(lines, end, start[0].length);
    items.push(parseBlocks(item.lines, depth + 1));
    end = item.end;
  }
  return { block: { type: 'list', start: isOrdered(marker) ? Number.parseInt(marker, 10) : null, items }, end };
}

/** An item's lines without their indent: all that are indented, and those that go on with its paragraph. */
function readItem(lines, at, width) {
  const item = [lines[at].slice(width)];
  let end = at + 1;
  for (; end < lines.length; ++end) {
    const line = lines[end];
    const indent = line.search(/\S/);
    if (indent === -1) {
      const next = lines[end + 1];
      if (next === undefined || next.trim() === '' || next.search(/\S/) < 2) break;
      item.push('');
    } else if (indent >= 2) {
      item.push(line.slice(Math.min(indent, width)));
    } else if (startsBlock(lines, end) || item.at(-1) === '') {
      break;
    } else {
      item.push(line);
    }
  }
  while (end < lines.length && lines[end].trim() === '' && bullet.test(lines[end + 1] ?? '')) ++end;
  return { lines: item, end };
}

const startsBlock = (lines, at) => [fence, heading, rule, quote, bullet].some((start) => start.test(lines[at])) || isTable(lines, at);

function isTable(lines, at) {
  const next = lines[at + 1];
  return next !== undefined && lines[at].includes('|') && next.includes('-') && tableRule.test(next)
    && cellsOf(lines[at]).length === cellsOf(next).length;
}

function cellsOf(line) {
  const inner = line.trim().replace(/^\|/, '').replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));
}

function alignOf(cell) {
  if (!cell.endsWith(':')) return 'start';
  return cell.startsWith(':') ? 'center' : 'end';
}

function readTable(lines, at) {
  const head = cellsOf(lines[at]);
  const aligns = cellsOf(lines[at + 1]).map(alignOf);
  const rows = [];
  let end = at + 2;
  for (; end < lines.length && lines[end].includes('|'); ++end) {
    const cells = cellsOf(lines[end]);
    rows.push(head.map((_, column) => parseInlines(cells[column] ?? '')));
  }
  return { block: { type: 'table', head: head.map((cell) => parseInlines(cell)), aligns, rows }, end };
}

function readParagraph(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== '' && !(depth < maxDepth && startsBlock(lines, end))) ++end;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join('\n');
  return { block: { type: 'paragraph', inlines: parseInlines(text.trimEnd()) }, end };
}
