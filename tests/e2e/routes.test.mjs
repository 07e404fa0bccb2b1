import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { runProgram, Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch({ family: 'mini-small' })));
after(() => server.stop());

test('/v1/models lists what is served', async () => {
  const { data } = await server.client().models.list();
  assert.equal(data.length, 1);
  assert.deepEqual([data[0].id, data[0].object, typeof data[0].owned_by], ['mini-small', 'model', 'string']);
  assert.ok(Number.isInteger(data[0].created));
  assert.ok(data[0].max_model_len > 0);
  assert.equal((await server.client().models.retrieve('mini-small')).id, 'mini-small');
});

test('/health, /ready and /version answer', async () => {
  for (const route of ['/health', '/ready']) assert.equal((await fetch(server.url + route)).status, 200, route);
  const version = await (await fetch(`${server.url}/version`)).json();
  const { stdout } = await runProgram(['--version']);
  assert.ok(stdout.includes(version.version), `${stdout} has ${JSON.stringify(version)}`);
});

test('a second server on the same port says what is wrong', async () => {
  const { code, stderr, stdout } = await runProgram([
    'launch',
    '--model-path',
    checkpointOf('mini-tiny'),
    '--port',
    new URL(server.url).port,
  ]);
  assert.notEqual(code, 0);
  assert.match(stderr + stdout, new RegExp(new URL(server.url).port));
});

test('a folder without a checkpoint is refused by name', async () => {
  const { code, stderr, stdout } = await runProgram(['launch', '--model-path', '/usr/share', '--port', '0']);
  assert.notEqual(code, 0);
  assert.match(stderr + stdout, /config\.json/);
});

test('verify says that the miniature checkpoints are whole', async () => {
  const { code, stdout, stderr } = await runProgram(['verify', checkpointOf('mini-base')]);
  assert.equal(code, 0, stdout + stderr);
});
