// Markdown as a tree: what models write, and what nobody should.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from './modules.mjs';

const { parseMarkdown } = await load('chat/markdown.js');
const { safeAddress } = await load('chat/markdown_inline.js');

const text = (words) => ({ type: 'text', text: words });
const paragraph = (...inlines) => ({ type: 'paragraph', inlines });
const inlines = (source) => {
  const [block, ...others] = parseMarkdown(source);
  assert.deepEqual(others, []);
  return block.inlines;
};

describe('blocks', () => {
  test('paragraphs end at an empty line, lines within them break', () => {
    assert.deepEqual(parseMarkdown('one\ntwo\n\nthree'), [paragraph(text('one'), { type: 'break' }, text('two')), paragraph(text('three'))]);
  });

  test('headings have six levels', () => {
    assert.deepEqual(parseMarkdown('# A\n###### B ##\n####### C').map(({ type, level }) => [type, level]),
      [['heading', 1], ['heading', 6], ['paragraph', undefined]]);
  });

  test('code is kept as it is, also while its end is not there', () => {
    const block = { type: 'code', language: 'py', text: 'a = "*b*"\n\n  <i>' };
    assert.deepEqual(parseMarkdown('```py\na = "*b*"\n\n  <i>\n```\n'), [block]);
    assert.deepEqual(parseMarkdown('```py\na = "*b*"\n\n  <i>'), [block]);
    assert.equal(parseMarkdown('~~~~\n~~~\n~~~~')[0].text, '~~~');
  });

  test('lists hold blocks, nested lists and numbers', () => {
    const [list] = parseMarkdown('3. one\n   - inner\n4. two\n\n5. three');
    assert.equal(list.start, 3);
    assert.deepEqual(list.items.map((blocks) => blocks.map(({ type }) => type)), [['paragraph', 'list'], ['paragraph'], ['paragraph']]);
    assert.equal(list.items[0][1].start, null);
  });

  test('a bullet list is not a numbered one', () => {
    assert.deepEqual(parseMarkdown('- a\n- b\n1. c').map(({ type, start, items }) => [type, start, items.length]), [['list', null, 2], ['list', 1, 1]]);
  });

  test('tables have a head, aligned columns and rows of its width', () => {
    const [table] = parseMarkdown('| a | b |\n|:--|--:|\n| 1 | 2 | 3 |\n| 4 |\n');
    assert.equal(table.type, 'table');
    assert.deepEqual(table.aligns, ['start', 'end']);
    assert.deepEqual(table.rows, [[[text('1')], [text('2')]], [[text('4')], []]]);
    assert.equal(parseMarkdown('a | b\nno table')[0].type, 'paragraph');
  });

  test('quotes and rules', () => {
    assert.deepEqual(parseMarkdown('> a\n> > b\n\n---'), [
      { type: 'quote', blocks: [paragraph(text('a')), { type: 'quote', blocks: [paragraph(text('b'))] }] },
      { type: 'rule' },
    ]);
  });

  test('empty text has no blocks', () => assert.deepEqual(parseMarkdown(' \n\r\n'), []));
});

describe('inlines', () => {
  test('emphasis, strong, deleted and code', () => {
    assert.deepEqual(inlines('a **b *c*** ~~d~~ `*e*` __f__'), [
      text('a '),
      { type: 'strong', inlines: [text('b '), { type: 'emphasis', inlines: [text('c')] }] },
      text(' '), { type: 'deleted', inlines: [text('d')] },
      text(' '), { type: 'code', text: '*e*' },
      text(' '), { type: 'strong', inlines: [text('f')] },
    ]);
  });

  for (const source of ['2 * 3 * 4', 'a_b_c', '**', '*a', 'x ` y', '[a](', '[a](b)', '\\x', '<b>x</b>', '<img src=x onerror=alert(1)>']) {
    test(`"${source}" is plain text`, () => assert.deepEqual(inlines(source), [text(source)]));
  }

  test('escapes', () => assert.deepEqual(inlines('\\*a\\* \\<'), [text('*a* <')]));

  test('links go to the web and nowhere else', () => {
    const link = (address, words) => ({ type: 'link', address, inlines: [text(words)] });
    assert.deepEqual(inlines('[a](https://b.c/d)'), [link('https://b.c/d', 'a')]);
    assert.deepEqual(inlines('see https://b.c/d, or'), [text('see '), link('https://b.c/d', 'https://b.c/d'), text(', or')]);
    assert.deepEqual(inlines('<http://b.c>'), [link('http://b.c/', 'http://b.c')]);
    for (const address of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//b.c', 'https://', ' https://b.c']) {
      assert.equal(safeAddress(address), null, address);
      assert.ok(!JSON.stringify(parseMarkdown(`[a](${address.trim()})`)).includes('"link"') || address.startsWith(' '), address);
    }
  });

  test('labels of boxes are references, lists of boxes are left out', () => {
    assert.deepEqual(inlines('a <|ref|>the cat<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|> b'), [text('a '), { type: 'reference', label: 'the cat' }, text(' b')]);
    assert.deepEqual(inlines('<|ref|>the c'), [{ type: 'reference', label: 'the c' }]);
    assert.deepEqual(inlines('x<|grounding|>y<|det|>[[1, 2'), [text('xy')]);
    assert.deepEqual(inlines('x <|re'), [text('x ')]);
  });
});

describe('hostile text', () => {
  const hostile = {
    'nested quotes': '>'.repeat(20000),
    'nested lists': Array.from({ length: 500 }, (_, i) => `${' '.repeat(2 * i)}- x`).join('\n'),
    'open stars': '*a '.repeat(20000),
    'open brackets': '['.repeat(20000),
    'open links': '[a]('.repeat(10000),
    'open tags': '<|ref|>'.repeat(10000),
    'open code': Array.from({ length: 300 }, (_, i) => '`'.repeat(i)).join(' '),
    'underscores': '_'.repeat(20000),
    'columns': `${'|'.repeat(5000)}\n${'|-'.repeat(5000)}`,
  };
  for (const [name, source] of Object.entries(hostile)) {
    test(`${name} are parsed in little time`, () => {
      const start = performance.now();
      parseMarkdown(source);
      assert.ok(performance.now() - start < 5000);
    });
  }
});
