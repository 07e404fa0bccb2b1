import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch({ args: ['--api-key', 'first-secret', '--api-key', 'second-secret'] })));
after(() => server.stop());

const body = { messages: [{ role: 'user', content: 'Hi' }], model: 'mini-tiny', max_tokens: 1 };

test('each of the keys opens', async () => {
  for (const apiKey of ['first-secret', 'second-secret']) {
    assert.equal((await server.client({ apiKey }).chat.completions.create(body)).choices.length, 1);
  }
});

test('no key and a wrong one do not', async () => {
  for (const apiKey of ['first-secre', 'first-secret2', 'x']) {
    await assert.rejects(server.client({ apiKey }).chat.completions.create(body), OpenAI.AuthenticationError);
    await assert.rejects(server.client({ apiKey }).models.list(), OpenAI.AuthenticationError);
  }
  const response = await fetch(`${server.url}/v1/models`);
  assert.equal(response.status, 401);
  assert.equal((await response.json()).error.code, 'invalid_api_key');
});

test('health needs no key', async () => {
  for (const route of ['/health', '/ready']) assert.equal((await fetch(server.url + route)).status, 200);
});

test('the keys are in no log', () => {
  assert.doesNotMatch(server.log, /secret/);
});
