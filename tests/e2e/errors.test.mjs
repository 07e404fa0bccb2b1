// What is refused: the SDK's error class, the status, the code and the field to blame.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { dataUrl, imagePart, textPart } from './pictures.mjs';
import { Server } from './support.mjs';

let server;
before(
  async () => (server = await Server.launch({ args: ['--max-body-bytes', '100000', '--max-messages', '8', '--max-n', '3'] })),
);
after(() => server.stop());

const messages = [{ role: 'user', content: 'Hi' }];
const user = (...content) => ({ messages: [{ role: 'user', content }] });

/** Runs the request, which must fail as told; resolves with the SDK's error. */
async function refused(request, { type, status, code, param }) {
  const error = await request.then(
    () => assert.fail('the request was answered'),
    (reason) => reason,
  );
  assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status);
  if (code !== undefined) assert.equal(error.code, code);
  if (param !== undefined) assert.equal(error.param, param);
  assert.ok(error.requestID, 'the answer has an x-request-id');
  for (const field of ['message', 'type', 'param', 'code']) assert.ok(field in error.error, `the error object has ${field}`);
  return error;
}

const badRequests = [
  ['a temperature out of range', { messages, temperature: 2.5 }, 'temperature'],
  ['a top_p of nothing', { messages, top_p: 0 }, 'top_p'],
  ['a number as a string', { messages, max_tokens: 'ten' }, 'max_tokens'],
  ['no tokens wanted', { messages, max_tokens: 0 }, 'max_tokens'],
  ['more answers than allowed', { messages, n: 4 }, 'n'],
  ['an empty stop string', { messages, stop: ['ok', ''] }, 'stop[1]'],
  ['too many top log-probabilities', { messages, logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
  ['a bias for no token', { messages, logit_bias: { word: 1 } }, 'logit_bias'],
  ['a bias beyond the vocabulary', { messages, logit_bias: { 99999999: 1 } }, 'logit_bias'],
  ['no messages', { messages: [] }, 'messages'],
  ['too many messages', { messages: Array(9).fill(messages[0]) }, 'messages'],
  ['an unknown role', { messages: [{ role: 'robot', content: 'Hi' }] }, 'messages[0].role'],
  ['a message without content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
  [
    'a part of another kind',
    user({ type: 'input_audio', input_audio: { data: '', format: 'wav' } }),
    'messages[0].content[0].type',
  ],
  ['an unknown detail', user(imagePart(dataUrl([1]), { detail: 'medium' })), 'messages[0].content[0].image_url.detail'],
  ['base64 that is none', user(imagePart('data:image/png;base64,@@@@')), 'messages[0].content[0].image_url'],
  ['bytes that are no image', user(textPart('?'), imagePart(dataUrl('not an image'))), 'messages[0].content[1].image_url'],
  ['an address of another scheme', user(imagePart('file:///etc/passwd')), 'messages[0].content[0].image_url'],
  ['an unknown format', { messages, response_format: { type: 'xml' } }, 'response_format.type'],
  ['tools', { messages, tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
];
for (const [what, body, param] of badRequests) {
  test(`400 for ${what}`, async () => {
    const error = await refused(server.chat(body), { type: OpenAI.BadRequestError, status: 400, param });
    assert.equal(error.type, 'invalid_request_error');
    assert.ok(error.message.length > 20, error.message);
  });
}

test('a refused stream is an error status, not a stream', async () => {
  await refused(server.chat({ messages, stream: true, temperature: -1 }), {
    type: OpenAI.BadRequestError,
    status: 400,
    param: 'temperature',
  });
});

test('a prompt over the context says how many tokens it takes', async () => {
  const long = [{ role: 'user', content: 'word '.repeat(15000) }];
  const error = await refused(server.chat({ messages: long }), {
    type: OpenAI.BadRequestError,
    status: 400,
    code: 'context_length_exceeded',
  });
  assert.match(error.message, /\d+ tokens/);
});

test('404 for a model that is not served', async () => {
  const request = server.chat({ model: 'gpt-4', messages });
  const error = await refused(request, { type: OpenAI.NotFoundError, status: 404, code: 'model_not_found' });
  assert.match(error.message, /gpt-4/);
  await refused(server.client().models.retrieve('gpt-4'), { type: OpenAI.NotFoundError, status: 404, code: 'model_not_found' });
});

test('404 for a route that is not there, 405 for a method', async () => {
  await refused(server.client().embeddings.create({ model: 'mini-tiny', input: 'Hi' }), {
    type: OpenAI.NotFoundError,
    status: 404,
  });
  const response = await fetch(`${server.url}/v1/chat/completions`);
  assert.equal(response.status, 405);
  assert.equal((await response.json()).error.code, 'method_not_allowed');
});

test('413 for a body over the limit', async () => {
  const huge = [{ role: 'user', content: 'x'.repeat(200_000) }];
  await refused(server.chat({ messages: huge }), { type: OpenAI.APIError, status: 413 });
});

test('400 for a body that is no JSON object', async () => {
  for (const body of ['{"model": ', '[]', '"text"', '', '{"model": "mini-tiny"} trailing', `${'['.repeat(50_000)}`]) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body });
    assert.equal(response.status, 400, body.slice(0, 40));
    assert.equal((await response.json()).error.type, 'invalid_request_error');
  }
});

test('the request id is echoed, or made up', async () => {
  const headers = { 'x-request-id': 'my-request-17' };
  const { response } = await server.chat({ messages, max_tokens: 1 }, { headers }).withResponse();
  assert.equal(response.headers.get('x-request-id'), 'my-request-17');
  const error = await refused(server.chat({ messages, n: 0 }, { headers }), { type: OpenAI.BadRequestError, status: 400 });
  assert.equal(error.requestID, 'my-request-17');
  const ids = await Promise.all(
    [0, 1].map(async () => (await server.chat({ messages, max_tokens: 1 }).withResponse()).request_id),
  );
  assert.ok(ids[0] && ids[1] && ids[0] !== ids[1]);
});

test('it serves on after all of this', async () => {
  assert.equal((await server.chat({ messages, max_tokens: 1 })).choices.length, 1);
});
