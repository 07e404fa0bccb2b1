// Tasks, boxes, what images take of the context, and the loop guard.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { greedy } from './golden.mjs';
import { dataUrl, drawPng, imagePart, textPart } from './pictures.mjs';
import { Server } from './support.mjs';

const square = dataUrl(drawPng(64, 64, (x, y) => [x * 4, y * 4, 90]));
const tall = dataUrl(drawPng(130, 1400, (x, y) => [x, y & 255, 40]));
const ask = (text, urls = [square]) => [{ role: 'user', content: [...urls.map((url) => imagePart(url)), textPart(text)] }];

describe('tasks', () => {
  let server;
  before(async () => (server = await Server.launch({ args: ['--max-model-len', '1600'] })));
  after(() => server.stop());

  // `tall` takes 1051 tokens, an image that is not tiled 421
  const plan = async (body) => {
    const response = await fetch(`${server.url}/v1/images/plan`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, json: await response.json() };
  };

  test('locate asks with the family\'s own tokens', async () => {
    const sampling = { ...greedy, loop_guard: false, constrain_boxes: false };
    const byTask = await server.chat({ messages: ask('the circle'), task: 'locate', ...sampling });
    const byHand = await server.chat({ messages: ask('\n<|ref|>the circle<|/ref|>.'), ...sampling });
    assert.equal(byTask.choices[0].message.content, byHand.choices[0].message.content);
    assert.equal(byTask.usage.prompt_tokens, byHand.usage.prompt_tokens);
    assert.ok(Array.isArray(byTask.choices[0].message.grounding));
  });

  test('a box that the answer is made to hold is parsed, streamed and not', async () => {
    const text = '<|ref|>circle<|/ref|><|det|>[[0, 111, 999, 222], [7]]<|/det|>';
    const body = { messages: ask('Where?'), ...greedy, max_tokens: 100, guided_choice: [text] };
    const { message } = (await server.chat(body)).choices[0];
    assert.equal(message.content, text);
    assert.deepEqual(message.grounding, [
      { label: 'circle', image_index: 0, box_norm: [0, 111, 999, 222], box_px: [0, 7, 64, 14], valid: true },
      { label: 'circle', image_index: 0, box_norm: null, box_px: null, valid: false, error: 'it has 1 numbers, not 4' },
    ]);
    let last = null;
    for await (const chunk of await server.chat({ ...body, stream: true })) last = chunk.choices[0]?.delta.grounding ?? last;
    assert.deepEqual(last, message.grounding);
  });

  test('the plan says what a request then takes', async () => {
    const { json } = await plan({ messages: ask('What is this?', [square, tall]) });
    const answer = await server.chat({ messages: ask('What is this?', [square, tall]), ...greedy, max_tokens: 1 });
    assert.equal(json.prompt_tokens, answer.usage.prompt_tokens);
    assert.equal(json.image_tokens, answer.usage.prompt_tokens_details.image_tokens);
    assert.equal(json.remaining_tokens, 1600 - json.prompt_tokens);
    assert.deepEqual(json.warnings, []);
    assert.deepEqual(json.images.map((image) => [image.width, image.height]), [[64, 64], [130, 1400]]);
  });

  test('a third image is warned of', async () => {
    const { json } = await plan({ images: [square, tall, square] });
    assert.match(json.warnings[0], /^3 images: /);
    assert.ok(json.images.every(({ tiles }) => tiles.cols === 1 && tiles.rows === 1));
    const answer = await server.chat({ messages: ask('x', [square, tall, square]), ...greedy, max_tokens: 1 });
    assert.deepEqual(answer.warnings, json.warnings);
  });

  test('auto_detail tiles less where there is no room, and says so', async () => {
    const messages = ask('What is this?', [tall, tall]);
    const { json } = await plan({ messages });
    assert.equal(json.fits, false);
    assert.match(json.advice, /"detail": "low" for image 1/);
    await assert.rejects(() => server.chat({ messages, ...greedy, max_tokens: 8 }), { status: 400, code: 'context_length_exceeded' });
    const answer = await server.chat({ messages, ...greedy, max_tokens: 8, auto_detail: true });
    assert.ok(answer.usage.prompt_tokens <= 1600 - 8);
    assert.ok(answer.usage.prompt_tokens_details.images.some((image) => image.lowered));
    assert.match(answer.warnings[0], /was tiled/);
  });

  test('an answer that repeats itself is ended and marked', async () => {
    const loop = { max_period: 4, min_repeats: 3, min_tokens: 12 };
    const body = { messages: ask('x'), max_tokens: 200, temperature: 0, guided_regex: '(na ){200}' };
    const ended = await server.chat({ ...body, loop_guard: loop });
    assert.equal(ended.choices[0].finish_reason, 'length');
    assert.equal(ended.choices[0].stop_reason, 'repetition');
    assert.ok(ended.usage.completion_tokens < 100);
    const free = await server.chat(body);
    assert.notEqual(free.choices[0].stop_reason, 'repetition');
  });

  test('what a task cannot do is refused', async () => {
    await assert.rejects(() => server.chat({ messages: ask('x'), task: 'detect' }), { status: 400, param: 'task' });
    const textOnly = [{ role: 'user', content: 'the circle' }];
    await assert.rejects(() => server.chat({ messages: textOnly, task: 'locate' }), { status: 400, param: 'messages' });
    assert.equal((await plan({})).status, 400);
  });
});

describe('/v1/grounding', () => {
  let server;
  before(async () => (server = await Server.launch()));
  after(() => server.stop());

  const locate = (body, accept = 'application/json') =>
    fetch(`${server.url}/v1/grounding`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: accept },
      body: JSON.stringify({ max_tokens: 16, ...body }),
    });

  test('answers each phrase as task "locate" does, and computes the image once', async () => {
    const response = await locate({ image: square, phrases: ['the circle', '红色的圆'] });
    assert.equal(response.status, 200);
    const { image, results, usage } = await response.json();
    assert.deepEqual([image.width, image.height, image.tokens], [64, 64, 421]);
    assert.deepEqual(results.map(({ phrase }) => phrase), ['the circle', '红色的圆']);
    assert.ok(usage.prompt_tokens_details.cached_tokens >= 400, JSON.stringify(usage));
    const byTask = await server.chat({ messages: ask('the circle'), task: 'locate', ...greedy, max_tokens: 16 });
    assert.equal(results[0].text, byTask.choices[0].message.content);
    assert.deepEqual(results[0].boxes, byTask.choices[0].message.grounding);
  });

  test('draws on the image in its own size', async () => {
    const response = await locate({ image: square, phrase: 'the circle' }, 'image/png');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'image/png');
    const png = Buffer.from(await response.arrayBuffer());
    assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [64, 64]);
  });

  test('says what is wrong with an image, whatever was to be given', async () => {
    for (const image of ['data:image/png;base64,aGk=', 'http://127.0.0.1:1/a.png']) {
      const response = await locate({ image, phrase: 'x' }, 'image/png');
      assert.ok([400, 403].includes(response.status));
      const { error } = await response.json();
      assert.equal(error.param, 'image');
      assert.match(error.message, /^image: |^host '127.0.0.1' /);
    }
  });
});
