// Models by name: from a hub, from its cache, from an entry of the user.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { commit, startHub } from './hub.mjs';
import { binary } from './paths.mjs';
import { runProgram, Server, sleep, webServer } from './support.mjs';

const named = ['--model-name', 'deepseek-vl2'];
const tiny = [...named, '--size-in-billions', '3'];
const needed = readdirSync(checkpointOf('mini-tiny')).sort();
const bytesOf = (folder) => readdirSync(folder).reduce((sum, name) => sum + readFileSync(path.join(folder, name)).length, 0);

let hub;
let home;
before(async () => (hub = await startHub()));
after(() => hub.close());
beforeEach(() => {
  if (home) rmSync(home, { recursive: true });
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-hub-'));
  Object.assign(hub, { sent: 0, fetched: [], settings: { token: null, msPerPiece: 0 } });
});
after(() => home && rmSync(home, { recursive: true }));

const environment = (more = {}) => ({ HOME: home, HF_ENDPOINT: hub.url, MODELSCOPE_ENDPOINT: hub.url, ...more });
const run = (args, more) => runProgram(args, { env: { ...process.env, ...environment(more) } });

/** The folder holds the checkpoint's files and no others, byte by byte. */
function assertCheckpoint(folder, family = 'mini-tiny') {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  assert.deepEqual(names.sort(), readdirSync(checkpointOf(family)).sort());
  for (const name of names) {
    assert.ok(readFileSync(path.join(folder, name)).equals(readFileSync(path.join(checkpointOf(family), name))), name);
  }
}

describe('download', () => {
  test('--dry-run tells files and bytes and changes nothing', async () => {
    const { code, stdout, stderr } = await run(['download', ...tiny, '--dry-run']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`huggingface deepseek-ai/deepseek-vl2-tiny, revision main = ${commit}`));
    for (const name of needed) assert.match(stdout, new RegExp(`\\d+ +no +${name.replaceAll('.', '\\.')}\n`));
    assert.match(stdout, new RegExp(`${needed.length} files, ${bytesOf(checkpointOf('mini-tiny'))} bytes`));
    assert.doesNotMatch(stdout, /README/);
    assert.deepEqual(readdirSync(home), []);
    assert.deepEqual(hub.fetched, []);
  });

  test('prints the folder, in the layout of `hf download`, and lines in a log', async () => {
    const { code, stdout, stderr } = await run(['download', ...tiny]);
    assert.equal(code, 0, stderr);
    const repository = path.join(home, '.cache/huggingface/hub/models--deepseek-ai--deepseek-vl2-tiny');
    assert.equal(stdout, `${path.join(repository, 'snapshots', commit)}\n`);
    assertCheckpoint(stdout.trim());
    assert.equal(readFileSync(path.join(repository, 'refs/main'), 'utf8'), commit);
    assert.match(readlinkSync(path.join(stdout.trim(), 'config.json')), /^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    assert.match(stderr, /event=downloaded file=config\.json bytes=\d+/);
    assert.match(stderr, /event=downloading percent=100/);
    assert.doesNotMatch(stderr, /\r|\x1b\[\d*[AJ]/);
    assert.equal(hub.sent, bytesOf(checkpointOf('mini-tiny')));
  });

  test('a second time fetches nothing; --json says so', async () => {
    await run(['download', ...tiny]);
    hub.sent = 0;
    const { code, stdout } = await run(['download', ...tiny, '--json']);
    assert.equal(code, 0);
    const { hub: name, fetched_bytes: fetched, folder } = JSON.parse(stdout);
    assert.deepEqual([name, fetched, hub.sent], ['huggingface', 0, 0]);
    assertCheckpoint(folder);
    const plan = JSON.parse((await run(['download', ...tiny, '--dry-run', '--json'])).stdout);
    assert.equal(plan.missing_bytes, 0);
    assert.ok(plan.files.every(({ cached }) => cached));
  });

  test('from ModelScope, in a folder of choice, with an index that its older tools read', async () => {
    const folder = path.join(home, 'models');
    const { code, stdout, stderr } = await run(['download', ...tiny, '--model-src', 'ModelScope', '--download-dir', folder]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), path.join(folder, 'models/deepseek-ai--deepseek-vl2-tiny/snapshots/master'));
    assertCheckpoint(stdout.trim());
    const read = 'import pickle, sys, json; print(json.dumps(pickle.load(open(sys.argv[1], "rb"))))';
    const index = path.join(folder, 'models/deepseek-ai/deepseek-vl2-tiny/.msc');
    const python = spawnSync('/usr/bin/python3', ['-c', read, index], { encoding: 'utf8' });
    assert.equal(python.status, 0, python.stderr);
    const entries = JSON.parse(python.stdout);
    assert.deepEqual(entries.map(({ Path }) => Path).sort(), needed);
    assert.ok(entries.every(({ Revision }) => Revision === commit));
  });

  test('killed and started again, it fetches no byte twice that had come', async () => {
    hub.settings.msPerPiece = 15;
    const total = bytesOf(checkpointOf('mini-tiny'));
    const child = spawn(binary, ['download', ...tiny], { env: { ...process.env, ...environment() }, stdio: 'ignore' });
    while (hub.sent < total / 2) await sleep(5);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    hub.settings.msPerPiece = 0;
    const { code, stdout, stderr } = await run(['download', ...tiny, '--json']);
    assert.equal(code, 0, stderr);
    const { fetched_bytes: fetched, folder } = JSON.parse(stdout);
    assertCheckpoint(folder);
    assert.ok(fetched < total * 0.6, `${fetched} of ${total}`);
  });

  test('with a token for a guarded model, else it says how to get one', async () => {
    hub.settings.token = 'hf_secret';
    const refused = await run(['download', ...tiny]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /status 403\): the model is guarded; accept its terms .* HF_TOKEN or run `spyhop login`/);
    assert.equal(refused.stdout, '');
    const { code, stderr } = await run(['download', ...tiny], { HF_TOKEN: 'hf_secret' });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /hf_secret/);
  });
});

describe('launch by name', () => {
  const documented = (size) =>
    `launch --model-engine transformers --model-name deepseek-vl2 --size-in-billions ${size} --model-format pytorch ` +
    '--quantization none';
  const families = { 27: 'mini-base', 16: 'mini-small', 3: 'mini-tiny' };

  for (const [size, family] of Object.entries(families)) {
    test(`the documented command, ${size} billions`, async () => {
      const args = [...documented(size).split(' '), '--port', '0'];
      const server = await Server.start(args, { family: 'deepseek-vl2', env: environment() });
      const answer = await server.chat({ messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 4, ignore_eos: true });
      assert.equal(answer.model, 'deepseek-vl2');
      assert.equal(answer.usage.completion_tokens, 4);
      const [, folder] = server.log.match(/event=model_found .*folder=(\S+)/);
      assertCheckpoint(folder, family);
      assert.match(server.log, /event=other_dimensions .*expected_hidden_size=\d+/, 'the miniature is not the real one');
      assert.equal((await server.stop()).code, 0);
    });
  }

  test('takes what is in the cache without a network', async () => {
    await run(['download', ...tiny, '--model-src', 'modelscope']);
    const args = ['launch', ...tiny, '--port', '0'];
    const server = await Server.start(args, { family: 'deepseek-vl2', env: environment({ HF_HUB_OFFLINE: '1' }) });
    assert.match(server.log, /event=model_found hub=modelscope .*fetched_bytes=0/);
    await server.stop();
  });

  test('health is answered while the model is fetched', async () => {
    hub.settings.msPerPiece = 60;
    const free = await webServer(() => undefined);
    await free.close();
    const args = ['launch', ...tiny, '--port', new URL(free.url).port];
    const starting = Server.start(args, { family: 'deepseek-vl2', env: environment() });
    let health = null;
    while (!health) health = await fetch(`${free.url}/health`).catch(() => sleep(20).then(() => null));
    assert.equal(health.status, 200);
    assert.equal((await fetch(`${free.url}/ready`)).status, 503);
    hub.settings.msPerPiece = 0;
    await (await starting).stop();
  });

  test("an entry of the user's own weights", async () => {
    mkdirSync(path.join(home, 'mine/models'), { recursive: true });
    const spec = { model_format: 'pytorch', model_size_in_billions: 3, model_uri: `file://${checkpointOf('mini-tiny')}` };
    const entry = {
      model_name: 'tuned',
      context_length: 4096,
      model_lang: ['en'],
      model_ability: ['chat', 'vision'],
      model_specs: [spec],
    };
    const file = path.join(home, 'mine/models/tuned.json');
    writeFileSync(file, JSON.stringify(entry));
    const env = environment({ SPYHOP_HOME: path.join(home, 'mine') });
    const server = await Server.start(['launch', '--model-name', 'tuned', '--port', '0'], { family: 'tuned', env });
    const answer = await server.chat({ messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 2, ignore_eos: true });
    assert.equal(answer.model, 'tuned');
    await server.stop();
    writeFileSync(file, JSON.stringify({ ...entry, model_specs: [{ ...spec, model_uri: undefined }] }));
    const { code, stderr } = await run(['launch', '--model-name', 'tuned'], { SPYHOP_HOME: path.join(home, 'mine') });
    assert.equal(code, 1);
    assert.match(stderr, /tuned\.json: model_specs\[0\]\.model_src is missing/);
  });
});

describe('what there is not is told with what there is', () => {
  const cases = [
    ['model', ['--model-name', 'deepseek-v2', '--size-in-billions', '3'], /no model is named "deepseek-v2"; allowed: deepseek-vl2/],
    ['size', [...named, '--size-in-billions', '28'], /no size "28"; allowed: 27 \(base\), 16 \(small\), 3 \(tiny\); the nearest is 27/],
    ['no size', named, /model deepseek-vl2 needs a size; allowed: 27 \(base\)/],
    ['engine', [...tiny, '--model-engine', 'transfomers'], /model engine .*"transfomers".*the nearest is transformers/],
    ['format', [...tiny, '--model-format', 'ggufv2'], /model format .*"ggufv2"; allowed: pytorch/],
    ['quantization', [...tiny, '--quantization', 'int-8'], /quantization .*"int-8"; allowed: none, int8, int4; the nearest is int8/],
    ['hub', [...tiny, '--model-src', 'huggingfase'], /hub .*"huggingfase"; allowed: huggingface, modelscope, auto; the nearest is huggingface/],
    ['revision', [...tiny, '--revision', 'v9'], /has no revision "v9"/],
    ['nothing', [], /--model-path, or the name and size of a model/],
  ];
  for (const [what, args, expected] of cases) {
    test(what, async () => {
      const { code, stderr, stdout } = await run(['launch', ...args, '--port', '0']);
      assert.notEqual(code, 0);
      assert.match(stderr, expected);
      assert.equal(stdout, '');
    });
  }

  test('no network and no cache', async () => {
    for (const command of ['launch', 'download']) {
      const { code, stderr } = await run([command, ...tiny, '--model-src', 'huggingface'], { HF_HUB_OFFLINE: '1' });
      assert.equal(code, 1);
      assert.match(stderr, /spyhop download --model-name deepseek-vl2 --size-in-billions 3 --model-src huggingface\n/);
      assert.match(stderr, /hf download deepseek-ai\/deepseek-vl2-tiny\n/);
      assert.match(stderr, /copy its folder to \S+models--deepseek-ai--deepseek-vl2-tiny/);
    }
  });

  test('a copy of the program elsewhere knows its models, too', async () => {
    const copy = path.join(home, 'xinference');
    assert.equal(spawnSync('cp', [binary, copy]).status, 0);
    const env = { ...process.env, ...environment() };
    const { code, stderr } = await runProgram(['download', ...tiny, '--dry-run'], { command: copy, env });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(copy));
  });
});
