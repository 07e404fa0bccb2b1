// Pictures by data: URL and by http, what is fetched and what is not.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { goldenCase, goldenImageUrl, greedy, imageBytes, messagesOf } from './golden.mjs';
import { dataUrl, drawPng, imagePart, textPart } from './pictures.mjs';
import { Server, webServer } from './support.mjs';

const ask = (url, more) => [{ role: 'user', content: [imagePart(url, more), textPart('\nWhat is this?')] }];
const checker = drawPng(64, 48, (x, y) => (((x >> 3) + (y >> 3)) % 2 ? [230, 40, 30] : [20, 60, 220]));

describe('by default', () => {
  let server;
  before(async () => (server = await Server.launch({ args: ['--max-images', '3', '--max-image-bytes', '200000'] })));
  after(() => server.stop());

  test('a drawn picture is answered, streamed and not', async () => {
    const answer = await server.chat({ messages: ask(dataUrl(checker)), ...greedy });
    assert.equal(answer.usage.completion_tokens, 24);
    assert.equal(answer.usage.prompt_tokens_details.image_tokens, 421, 'one tile and the overview');
    let text = '';
    for await (const chunk of await server.chat({ messages: ask(dataUrl(checker)), ...greedy, stream: true })) {
      text += chunk.choices[0].delta.content ?? '';
    }
    assert.equal(text, answer.choices[0].message.content);
  });

  test('what it shows decides the answer', async () => {
    const other = drawPng(64, 48, (x) => [x * 4, 255 - x * 4, 128]);
    const texts = await Promise.all(
      [checker, other].map(
        async (png) => (await server.chat({ messages: ask(dataUrl(png)), ...greedy })).choices[0].message.content,
      ),
    );
    assert.notEqual(texts[0], texts[1]);
  });

  test('low detail never tiles', async () => {
    const wide = goldenImageUrl('wide_700x200.png');
    const tokens = async (detail) => {
      const { usage } = await server.chat({ messages: ask(wide, { detail }), max_tokens: 1 });
      return usage.prompt_tokens_details.image_tokens;
    };
    assert.equal(await tokens('low'), 421);
    assert.equal(await tokens('auto'), 617);
    assert.equal(await tokens('high'), 617);
  });

  test('the format is told by the content, not by the name', async () => {
    const mislabelled = dataUrl(imageBytes('exif6_320x200.jpg'), 'image/png');
    const golden = goldenCase('mini-tiny', 'jpeg_exif');
    const answer = await server.chat({ messages: messagesOf(golden, () => mislabelled), ...greedy });
    assert.equal(answer.choices[0].message.content, golden.greedy_text);
  });

  const refusals = [
    ['too many images', () => [{ role: 'user', content: Array(4).fill(imagePart(dataUrl(checker))) }], [400, 413]],
    ['too many bytes', () => ask(dataUrl(Buffer.concat([checker, Buffer.alloc(200_000)]))), [413]],
    [
      'sides that only the header claims',
      () => ask(dataUrl(drawPng(1, 1, () => [0, 0, 0], { width: 100_000, height: 100_000 }))),
      [400, 413],
    ],
    ['a picture that ends too early', () => ask(dataUrl(checker.subarray(0, 60))), [400]],
    ['a loopback address', () => ask('http://127.0.0.1:9/cat.png'), [403]],
    ['localhost by name', () => ask('http://localhost:9/cat.png'), [403]],
    ['a private address', () => ask('http://10.0.0.1/cat.png'), [403]],
    ['the metadata address', () => ask('http://169.254.169.254/latest/meta-data'), [403]],
    ['loopback in IPv6', () => ask('http://[::1]/cat.png'), [403]],
    ['loopback mapped into IPv6', () => ask('http://[::ffff:127.0.0.1]/cat.png'), [403]],
    ['loopback as one number', () => ask('http://2130706433/cat.png'), [400, 403]],
  ];
  for (const [what, messages, statuses] of refusals) {
    test(`refused: ${what}`, async () => {
      const error = await server.chat({ messages: messages(), max_tokens: 1 }).then(
        () => assert.fail('it was taken'),
        (reason) => reason,
      );
      assert.ok(error instanceof OpenAI.APIError && statuses.includes(error.status), `${error.status} ${error.message}`);
      assert.match(String(error.param), /^messages/);
    });
  }

  test('a refused address tells nothing of what listens there', async () => {
    const web = await webServer((request, response) => response.end(checker));
    const messageOf = async (url) => {
      const error = await server.chat({ messages: ask(url), max_tokens: 1 }).catch((reason) => reason);
      return error.message.replaceAll(new URL(url).port, 'PORT');
    };
    assert.equal(await messageOf(`${web.url}/open.png`), await messageOf('http://127.0.0.1:9/open.png'));
    await web.close();
  });
});

describe('with --allow-private-image-addresses', () => {
  let server;
  let web;
  const answers = {
    '/moved.png': (response) => response.writeHead(302, { location: '/golden/sq_smooth_200.png' }).end(),
    '/circle.png': (response) => response.writeHead(302, { location: '/circle.png' }).end(),
    '/missing.png': (response) => response.writeHead(404).end(),
    '/page.html': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
    '/huge.png': (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.alloc(300_000)),
    '/never.png': () => undefined,
    '/drip.png': (response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    },
  };
  before(async () => {
    web = await webServer((request, response) => {
      const golden = request.url.match(/^\/golden\/([\w.]+)$/);
      if (golden) return response.writeHead(200, { 'content-type': 'image/png' }).end(imageBytes(golden[1]));
      return answers[request.url](response);
    });
    const flags = ['--allow-private-image-addresses', '--max-image-bytes', '200000', '--image-fetch-timeout-ms', '800'];
    server = await Server.launch({ args: flags });
  });
  after(async () => {
    await web.close();
    await server.stop();
  });

  test('a picture from a web server gets the same answer as in the request', async () => {
    const golden = goldenCase('mini-tiny', 'img_square_small');
    const messages = messagesOf(golden, (name) => `${web.url}/golden/${name}`);
    const answer = await server.chat({ messages, ...greedy });
    assert.equal(answer.choices[0].message.content, golden.greedy_text);
    const { usage } = await server.chat({ messages: ask(`${web.url}/moved.png`), max_tokens: 1 });
    assert.equal(usage.prompt_tokens_details.image_tokens, golden.num_image_tokens[0], 'a redirect is followed');
  });

  for (const [path, status] of [
    ['circle.png', 400],
    ['missing.png', 400],
    ['page.html', 400],
    ['huge.png', 413],
    ['never.png', 400],
    ['drip.png', 400],
  ]) {
    test(`an error in good time: ${path}`, async () => {
      const began = Date.now();
      const error = await server.chat({ messages: ask(`${web.url}/${path}`), max_tokens: 1 }).then(
        () => assert.fail('it was taken'),
        (reason) => reason,
      );
      assert.equal(error.status, status, error.message);
      assert.equal(error.param, 'messages[0].content[0].image_url');
      assert.ok(Date.now() - began < 5000);
    });
  }
});
