// The inside of Markdown's paragraphs. Every scan is bounded: a delimiter without a partner is looked for once.

const maxDepth = 8;
const special = /[\\`*_~[\]<\n]|https?:\/\//g;
const emphases = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'deleted'],
  ['*', 'emphasis'],
  ['_', 'emphasis'],
];

export function parseInlines(text, depth = 0) {
  return new InlineParser(text, depth).run();
}

/** An address that a link may have, else null. */
export function safeAddress(text) {
  if (!/^https?:\/\//i.test(text)) return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

class InlineParser {
  #text;
  #depth;
  #at = 0;
  #plain = '';
  #inlines = [];
  #unpaired = new Set(); // delimiters that have no partner from here on

  constructor(text, depth) {
    this.#text = text;
    this.#depth = depth;
  }

  run() {
    while (this.#at < this.#text.length) {
      special.lastIndex = this.#at;
      const next = special.exec(this.#text)?.index ?? this.#text.length;
      this.#plain += this.#text.slice(this.#at, next);
      this.#at = next;
      if (next < this.#text.length && !this.#readSpecial()) this.#plain += this.#text[this.#at++];
    }
    this.#endPlain();
    return this.#inlines;
  }

  /** Whether something other than plain text begins here; then it has been read. */
  #readSpecial() {
    switch (this.#text[this.#at]) {
      case '\\':
        return this.#readEscape();
      case '\n':
        return this.#readBreak();
      case '`':
        return this.#readCode();
      case '[':
        return this.#readLink();
      case '<':
        return this.#readReference() || this.#readAngleLink();
      case 'h':
        return this.#readBareLink();
      default:
        return this.#depth < maxDepth && this.#readEmphasis();
    }
  }

  #add(inline, end) {
    this.#endPlain();
    this.#inlines.push(inline);
    this.#at = end;
    return true;
  }

  #endPlain() {
    if (this.#plain) this.#inlines.push({ type: 'text', text: this.#plain });
    this.#plain = '';
  }

  /** Where `delimiter` is next from `from`, or -1; remembers when there is none any more. */
  #find(delimiter, from) {
    if (this.#unpaired.has(delimiter)) return -1;
    const found = this.#text.indexOf(delimiter, from);
    if (found === -1) this.#unpaired.add(delimiter);
    return found;
  }

  #readEscape() {
    const next = this.#text[this.#at + 1];
    if (next === undefined || !/[!-/:-@[-`{-~]/.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #readBreak() {
    this.#plain = this.#plain.replace(/ +$/, '');
    return this.#add({ type: 'break' }, this.#at + 1);
  }

  #readCode() {
    const marks = this.#text.slice(this.#at).match(/^`+/)[0];
    const start = this.#at + marks.length;
    let end = this.#find(marks, start);
    while (end !== -1 && this.#text[end + marks.length] === '`') {
      while (this.#text[end] === '`') ++end;
      end = this.#find(marks, end);
    }
    if (end === -1) {
      this.#plain += marks;
      this.#at = start;
      return true;
    }
    const text = this.#text.slice(start, end).replace(/\n/g, ' ');
    const isPadded = /^ .*\S.* $/.test(text);
    return this.#add({ type: 'code', text: isPadded ? text.slice(1, -1) : text }, end + marks.length);
  }

  #readLink() {
    const middle = this.#find('](', this.#at);
    const end = middle === -1 ? -1 : this.#find(')', middle);
    if (end === -1 || this.#depth >= maxDepth) return false;
    const label = this.#text.slice(this.#at + 1, middle);
    const address = safeAddress(this.#text.slice(middle + 2, end).trim().split(/\s/)[0]);
    if (!address || label.includes('[') || label.includes('\n\n')) return false;
    return this.#add({ type: 'link', address, inlines: parseInlines(label, maxDepth) }, end + 1);
  }

  #readAngleLink() {
    const end = this.#find('>', this.#at);
    const address = end === -1 ? null : safeAddress(this.#text.slice(this.#at + 1, end));
    if (!address || /\s/.test(this.#text.slice(this.#at, end))) return false;
    const text = this.#text.slice(this.#at + 1, end);
    return this.#add({ type: 'link', address, inlines: [{ type: 'text', text }] }, end + 1);
  }

  #readBareLink() {
    const [found] = this.#text.slice(this.#at, this.#at + 2048).match(/^https?:\/\/[^\s<>"`]*[^\s<>"`.,;:!?'*_)\]}。，；：！？）】]/) ?? [];
    const address = found && this.#depth < maxDepth ? safeAddress(found) : null;
    if (!address) return false;
    return this.#add({ type: 'link', address, inlines: [{ type: 'text', text: found }] }, this.#at + found.length);
  }

  /** What stands around boxes: the label stays, the numbers are shown elsewhere. An unfinished list at the end is left out, too. */
  #readReference() {
    const tag = this.#text.slice(this.#at).match(/^<\|(\/?)(ref|det|grounding)\|>/);
    if (!tag) return this.#isUnfinishedTag();
    const start = this.#at + tag[0].length;
    if (tag[1] || tag[2] === 'grounding') return this.#skip(start);
    const closing = `<|/${tag[2]}|>`;
    const end = this.#text.indexOf(closing, start);
    const next = end === -1 ? this.#text.length : end + closing.length;
    if (tag[2] === 'det') return this.#skip(next);
    const label = this.#text.slice(start, end === -1 ? undefined : end).replace(/<\|?[^<>]*$/, '');
    return this.#add({ type: 'reference', label }, next);
  }

  #skip(end) {
    this.#at = end;
    return true;
  }

  #isUnfinishedTag() {
    if (!/^<\|[a-z/|]*$/.test(this.#text.slice(this.#at, this.#at + 16)) || this.#text.length - this.#at > 15) return false;
    return this.#skip(this.#text.length);
  }

  #readEmphasis() {
    const before = this.#text[this.#at - 1] ?? ' ';
    for (const [mark, type] of emphases) {
      if (!this.#text.startsWith(mark, this.#at)) continue;
      const start = this.#at + mark.length;
      if (!/\S/.test(this.#text[start] ?? ' ') || (mark[0] === '_' && /[\p{L}\p{N}]/u.test(before))) continue;
      const end = this.#closing(mark, start);
      if (end === -1) continue;
      return this.#add({ type, inlines: parseInlines(this.#text.slice(start, end), this.#depth + 1) }, end + mark.length);
    }
    const marks = this.#text.slice(this.#at).match(/^(\*+|_+|~+|.)/s)[0];
    this.#plain += marks;
    this.#at += marks.length;
    return true;
  }

  /** Where emphasis ends: after something, and not inside a longer run or, for underscores, a word. */
  #closing(mark, start) {
    const other = mark.length === 1 ? mark[0] : '';
    for (let end = this.#find(mark, start + 1); end !== -1; end = this.#find(mark, end + 1)) {
      const after = this.#text[end + mark.length] ?? ' ';
      if (other && (after === other || this.#text[end - 1] === other)) {
        while (this.#text[end + 1] === other) ++end;
        continue;
      }
      if (!/\S/.test(this.#text[end - 1])) continue;
      if (mark[0] === '_' && /[\p{L}\p{N}]/u.test(after)) continue;
      return !other && after === mark[0] ? end + 1 : end;
    }
    return -1;
  }
}
