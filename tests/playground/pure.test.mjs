// What the page computes without a browser: streams, boxes, requests, headers of pictures, figures.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { imageBytes } from './golden.mjs';
import { load, playgroundDir } from './modules.mjs';
import { drawPng } from './pictures.mjs';

const { EventReader } = await load('chat/sse.js');
const { boxesSoFar, coloursOf, coordinatesJson, rectangleOf } = await load('chat/grounding.js');
const { chatBody, figuresOf, messagesOf, planBody, sentPictures, sentTurns, titleOf } = await load('chat/conversation.js');
const { readImageHeader } = await load('chat/image_header.js');
const { parseExposition } = await load('models/exposition.js');
const { Timeline, readingOf, roundUp } = await load('models/series.js');
const { english } = await load('shared/words_en.js');
const { chinese } = await load('shared/words_zh.js');

describe('server-sent events', () => {
  const stream = ': ping\n\ndata: {"a": 1}\n\ndata: one\r\ndata:two\r\n\r\nevent: x\ndata: [DONE]\n\n';
  const events = ['{"a": 1}', 'one\ntwo', '[DONE]'];

  test('are read however they are cut', () => {
    for (let size = 1; size <= stream.length; ++size) {
      const reader = new EventReader();
      const read = [];
      for (let at = 0; at < stream.length; at += size) read.push(...reader.push(stream.slice(at, at + size)));
      assert.deepEqual(read, events, `in pieces of ${size}`);
    }
  });

  test('one that is not complete is not given', () => assert.deepEqual(new EventReader().push('data: half\n'), []));
});

describe('boxes', () => {
  const answer = '<|ref|>cat<|/ref|><|det|>[[0, 111, 999, 222], [5, 5, 1, 9]]<|/det|> and <|ref|>dog<|/ref|><|det|>[[1, 2, 3, 4], [5, 6';

  test('of an unfinished answer are those that are complete', () => {
    const boxes = boxesSoFar(answer, { width: 64, height: 64, index: 2 });
    assert.deepEqual(boxes.map(({ label, box_norm, valid }) => [label, box_norm, valid]),
      [['cat', [0, 111, 999, 222], true], ['cat', [5, 5, 1, 9], false], ['dog', [1, 2, 3, 4], true]]);
    assert.deepEqual(boxes[0].box_px, [0, 7, 64, 14]);
    assert.equal(boxes[0].image_index, 2);
  });

  test('have a place only where they are valid', () => {
    assert.deepEqual(rectangleOf({ box_px: [1, 2, 11, 22], valid: true }), { left: 1, top: 2, width: 10, height: 20 });
    assert.equal(rectangleOf({ box_px: [1, 2, 11, 22], valid: false }), null);
    assert.equal(rectangleOf({ box_px: null, valid: true }), null);
  });

  test('of one label have one colour', () => {
    const colours = coloursOf([{ label: 'a' }, { label: null }, { label: 'a' }, { label: 'b' }]);
    assert.deepEqual([...colours], [['a', 0], ['', 1], ['b', 2]]);
  });

  test('are copied as JSON', () => {
    const box = { label: 'a "b"', box_px: [1, 2, 3, 4], box_norm: [5, 6, 7, 8], valid: true };
    assert.deepEqual(JSON.parse(coordinatesJson([box, { valid: false }])), [{ label: 'a "b"', box_px: [1, 2, 3, 4], box_norm: [5, 6, 7, 8] }]);
    assert.deepEqual(JSON.parse(coordinatesJson([])), []);
  });
});

describe('a conversation', () => {
  const picture = { id: 'p', name: 'p.png' };
  const user = (text, task = 'chat', pictures = []) => ({ role: 'user', text, task, pictures });
  const model = (text) => ({ role: 'assistant', text });
  const urlOf = ({ id }) => `data:${id}`;

  test('becomes messages, earlier tasks spelled out as the server does', () => {
    const turns = [user('cat', 'locate', [picture]), model('there'), user('and?')];
    assert.deepEqual(messagesOf(turns, { system: ' Be brief. ' }, urlOf), [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:p' } }, { type: 'text', text: '\n<|ref|>cat<|/ref|>.' }] },
      { role: 'assistant', content: 'there' },
      { role: 'user', content: 'and?' },
    ]);
  });

  test('leaves the last task to the server, but not when it is planned', () => {
    const request = { model: 'm', turns: [user(' cat ', 'locate', [picture])], settings: { detail: 'low', temperature: 0, top_p: NaN }, urlOf };
    const body = chatBody(request);
    assert.equal(body.task, 'locate');
    assert.equal(body.temperature, 0);
    assert.ok(!('top_p' in body));
    assert.equal(body.messages[0].content[0].image_url.detail, 'low');
    assert.equal(body.messages[0].content[1].text, '\ncat');
    assert.equal(planBody(request).messages[0].content[1].text, '\n<|ref|>cat<|/ref|>.');
  });

  test('leaves out questions that had no answer', () => {
    const failed = [user('one', 'chat', [picture]), model(''), user('two')];
    assert.deepEqual(sentTurns(failed).map(({ text }) => text), ['two']);
    assert.deepEqual(sentPictures(failed), []);
    assert.deepEqual(sentTurns(failed.slice(0, 1)).map(({ text }) => text), ['one']);
  });

  test('has its first words as its title', () => {
    assert.equal(titleOf({ turns: [user(' a\n b ')] }), 'a b');
    assert.equal(titleOf({ turns: [user('', 'ocr', [picture])] }), 'p.png');
    assert.equal(titleOf({ turns: [user('x'.repeat(100))] }).length, 60);
  });

  test('has the figures of the server where there are some', () => {
    const seen = { start: 0, first: 100, last: 1100, pieces: 11 };
    assert.equal(figuresOf({ seen }).tokensPerSecond, 10);
    const usage = { completion_tokens: 21, prompt_tokens: 7 };
    assert.equal(figuresOf({ usage, metrics: { generation_time_ms: 500 }, seen }).tokensPerSecond, 40);
    assert.equal(figuresOf({ usage: { completion_tokens: 1 }, seen }).tokensPerSecond, null);
  });
});

describe('the header of a picture', () => {
  for (const [name, type, width, height] of [
    ['exact_384.png', 'image/png', 384, 384],
    ['prog_240x160.jpg', 'image/jpeg', 240, 160],
    ['exif6_320x200.jpg', 'image/jpeg', 320, 200],
    ['anim_first_90x60.gif', 'image/gif', 90, 60],
    ['lossless_100x70.webp', 'image/webp', 100, 70],
    ['plain_80x60.bmp', 'image/bmp', 80, 60],
  ]) {
    test(`of ${name} is read, whole and cut off anywhere`, () => {
      const bytes = imageBytes(name);
      assert.deepEqual(readImageHeader(bytes), { type, width, height });
      for (let size = 0; size < 64; ++size) readImageHeader(bytes.subarray(0, size));
    });
  }

  test('is believed without decoding', () => {
    const png = drawPng(1, 1, () => [0, 0, 0], { width: 20000, height: 10000 });
    assert.deepEqual(readImageHeader(png), { type: 'image/png', width: 20000, height: 10000 });
  });

  test('of what is no picture is null', () => {
    for (const text of ['', 'hello', '<svg/>', 'BM', '%PDF-1.7']) assert.equal(readImageHeader(Buffer.from(text)), null, text);
  });

  test('of a JPEG of segments without length comes to an end', () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(100000).fill(Buffer.from([0xff, 0xe0, 0, 0]))]);
    assert.deepEqual(readImageHeader(bytes), { type: 'image/jpeg', width: 0, height: 0 });
  });
});

describe('the server\'s figures', () => {
  const text = (tokens, hits) => `# HELP x\nspyhop:generation_tokens_total{model_name="a b",engine="0"} ${tokens}\n` +
    `spyhop:generation_tokens_total{model_name="b"} 1\nspyhop:prefix_cache_queries_total 10\nspyhop:prefix_cache_hits_total ${hits}\nbroken line\nnan NaN\n`;
  const load = { running: 2, waiting: 1, kv_cache_usage: 0.5 };

  test('are summed over labels', () => {
    const metrics = parseExposition(text(41, 0));
    assert.equal(metrics.total('spyhop:generation_tokens_total'), 42);
    assert.equal(metrics.total('nan'), null);
    assert.equal(metrics.total('none'), null);
  });

  test('become rates; a restart is a gap', () => {
    const timeline = new Timeline();
    timeline.add(readingOf(parseExposition(text(10, 0)), load, 0));
    timeline.add(readingOf(parseExposition(text(30, 0)), load, 2000));
    timeline.add(readingOf(parseExposition(text(0, 0)), load, 4000));
    timeline.skip();
    assert.deepEqual(timeline.values('generated'), [null, 10, null, null]);
    assert.deepEqual(timeline.values('running'), [2, 2, 2, null]);
  });

  test('have round scales', () => assert.deepEqual([0, 0.3, 1, 1.2, 7, 43, 100].map(roundUp), [1, 0.5, 1, 2, 10, 50, 100]));
});

describe('texts', () => {
  const files = readdirSync(playgroundDir, { recursive: true }).filter((name) => /\.(js|html)$/.test(name));
  const sources = files.map((name) => readFileSync(path.join(playgroundDir, name), 'utf8'));

  test('are there in both languages, with the same names in them', () => {
    assert.deepEqual(Object.keys(chinese).sort(), Object.keys(english).sort());
    const names = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();
    for (const key of Object.keys(english)) assert.deepEqual(names(chinese[key]), names(english[key]), key);
  });

  test('that the page asks for are there', () => {
    const asked = sources.flatMap((source) => [...source.matchAll(/\bt\('([^']+)'|data-t(?:-label|-placeholder)?="([^"]+)"|(?:title|label)Key: '([^']+)'/g)]);
    assert.ok(asked.length > 100);
    for (const [, inCode, inHtml, inTable] of asked) assert.ok(english[inCode ?? inHtml ?? inTable], inCode ?? inHtml ?? inTable);
  });

  test('never become markup', () => {
    for (const source of sources) assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
  });

  test('of a page stand in files of at most 500 lines', () => {
    sources.forEach((source, i) => assert.ok(source.split('\n').length <= 500, files[i]));
  });
});
