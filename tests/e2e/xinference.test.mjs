// The server as clients written for xinference see it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { startHub } from './hub.mjs';
import { sourceDir } from './paths.mjs';
import { collect, runProgram, Server, sleep } from './support.mjs';

let hub;
let home;
let server;
before(async () => {
  hub = await startHub();
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-xinference-'));
  const env = { HOME: home, SPYHOP_HOME: path.join(home, 'own'), HF_ENDPOINT: hub.url, MODELSCOPE_ENDPOINT: hub.url };
  server = await Server.start(['serve', '--port', '0', '--allow-model-path', path.join(sourceDir, 'tests/golden')], { env });
});
after(async () => {
  await server.stop();
  await hub.close();
  rmSync(home, { recursive: true });
});
beforeEach(async () => {
  Object.assign(hub, { sent: 0, fetched: [], settings: { token: null, msPerPiece: 0 } });
  for (const { model_uid: uid } of await get('/v1/models/instances')) {
    await fetch(`${server.url}/v1/models/${uid}`, { method: 'DELETE' });
  }
});

const tiny = { model_name: 'deepseek-vl2', model_engine: 'Transformers', model_size_in_billions: 3, model_format: 'pytorch' };
const json = { 'content-type': 'application/json' };
const post = (route, body, options = {}) =>
  fetch(server.url + route, { method: 'POST', headers: json, body: JSON.stringify(body), ...options });
const get = async (route) => (await fetch(server.url + route)).json();

test('a client in Python: launch, progress, list, chat, terminate, names and caches', async () => {
  const script = path.join(sourceDir, 'tests/e2e/xinference_client.py');
  const { code, stdout, stderr } = await runProgram([script, server.url, checkpointOf('mini-tiny')], { command: '/usr/bin/python3' });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /check_cache/);
});

test('while a model is fetched its requests come back later; cancelling it leaves nothing', async () => {
  hub.settings.msPerPiece = 40;
  assert.deepEqual(await (await post('/v1/models?wait_ready=false', tiny)).json(), { model_uid: 'deepseek-vl2' });
  while (hub.sent < 200_000) await sleep(5);
  const asked = await post('/v1/chat/completions', { model: 'deepseek-vl2', messages: [{ role: 'user', content: 'Hi' }] });
  assert.equal(asked.status, 503);
  assert.ok(Number(asked.headers.get('retry-after')) > 0);
  assert.equal((await fetch(`${server.url}/v1/models/deepseek-vl2`)).status, 503);
  let progress = {};
  while (!(progress.progress > 0)) progress = await get('/v1/models/deepseek-vl2/progress');
  assert.equal(progress.stage, 'downloading');
  assert.ok(progress.progress < 1);
  assert.ok(progress.download_files.some(({ name, downloaded_bytes: bytes }) => name.endsWith('.safetensors') && bytes > 0));
  assert.equal(await (await post('/v1/models/deepseek-vl2/cancel', {})).json(), null);
  while ((await get('/v1/models/instances')).length > 0) await sleep(10);
  assert.equal((await fetch(`${server.url}/v1/models/deepseek-vl2/progress`)).status, 404);
  assert.match((await get('/v1/models/deepseek-vl2/events')).at(-1).event_content, /cancelled/);
});

test('a client that waits for its model and goes away cancels the launch; one that stays is told', async () => {
  hub.settings.msPerPiece = 40;
  const abort = new AbortController();
  const waiting = post('/v1/models', tiny, { signal: abort.signal }).catch((error) => error.name);
  while ((await get('/v1/models/instances')).length === 0) await sleep(5);
  abort.abort();
  assert.equal(await waiting, 'AbortError');
  while ((await get('/v1/models/instances')).length > 0) await sleep(10);
  const staying = post('/v1/models', tiny);
  while ((await get('/v1/models/instances')).length === 0) await sleep(5);
  assert.equal((await fetch(`${server.url}/v1/models/deepseek-vl2`, { method: 'DELETE' })).status, 200);
  assert.equal((await staying).status, 499);
});

test('one request is aborted by its id', async () => {
  const model = { model_name: 'm', model_path: checkpointOf('mini-tiny'), compute: 'f32' };
  assert.equal((await post('/v1/models', model)).status, 200);
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], stream: true, max_tokens: 4000, ignore_eos: true };
  const stream = await server.client().chat.completions.create(body, { headers: { 'x-request-id': 'mine' } });
  const collected = collect(stream).catch((error) => error);
  const { msg } = await (await post('/v1/models/m/requests/mine/abort', { block_duration: 30 })).json();
  assert.equal(msg, 'DONE');
  const answer = await collected;
  assert.ok(answer instanceof Error || answer.choices[0]?.reason !== 'length');
  assert.equal((await fetch(`${server.url}/v1/models/m`, { method: 'DELETE' })).status, 200);
});

test('a page of another site cannot change a server without keys', async () => {
  const evil = await post('/v1/models', tiny, { headers: { ...json, origin: 'http://evil.example' } });
  assert.equal(evil.status, 403);
  const own = await fetch(`${server.url}/v1/models/x`, { method: 'DELETE', headers: { origin: server.url } });
  assert.equal(own.status, 404);
});
