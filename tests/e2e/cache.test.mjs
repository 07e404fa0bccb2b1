// What lies in the hubs' caches, removing it, and logging in.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { commit, startHub } from './hub.mjs';
import { binary } from './paths.mjs';
import { runAtTerminal, runProgram, sleep } from './support.mjs';

const tiny = ['--model-name', 'deepseek-vl2', '--size-in-billions', '3'];
const tinyBytes = readdirSync(checkpointOf('mini-tiny')).reduce(
  (sum, name) => sum + statSync(path.join(checkpointOf('mini-tiny'), name)).size,
  0,
);

let hub;
let home;
before(async () => (hub = await startHub()));
after(() => hub.close());
beforeEach(() => {
  if (home) rmSync(home, { recursive: true });
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-cache-'));
  Object.assign(hub, { sent: 0, settings: { token: null, msPerPiece: 0 } });
});
after(() => home && rmSync(home, { recursive: true }));

const environment = (more = {}) => ({ ...process.env, HOME: home, HF_ENDPOINT: hub.url, MODELSCOPE_ENDPOINT: hub.url, ...more });
const run = (args, { env, ...options } = {}) => runProgram(args, { env: environment(env), ...options });
async function succeed(args, options) {
  const { code, stdout, stderr } = await run(args, options);
  assert.equal(code, 0, stderr);
  return stdout;
}
const download = (src, more = []) => succeed(['download', ...tiny, '--model-src', src, ...more]);
const repository = () => path.join(home, '.cache/huggingface/hub/models--deepseek-ai--deepseek-vl2-tiny');

/** A download that has begun and gets no more: {child, ended}. */
async function heldDownload() {
  hub.settings.msPerPiece = 20;
  const child = spawn(binary, ['download', ...tiny, '--model-src', 'huggingface'], { env: environment(), stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  while (hub.sent < tinyBytes / 3) await sleep(5);
  hub.settings.isHeld = true;
  return { child, ended };
}

describe('cached', () => {
  test('nothing', async () => {
    assert.equal(await succeed(['cached']), 'There are no cached models.\n');
    assert.deepEqual(JSON.parse(await succeed(['cached', '--json'])), []);
    assert.deepEqual(readdirSync(home), []);
  });

  test('models of both hubs', async () => {
    await download('huggingface');
    await download('modelscope');
    const table = await succeed(['cached']);
    assert.match(table, /^Name +Size \(in billions\) +Model id +Hub +Revision +Bytes +State +Path\n/);
    const row = 'deepseek-vl2 +3 +deepseek-ai/deepseek-vl2-tiny';
    assert.match(table, new RegExp(`${row} +huggingface +main +[\\d.]+ MiB +complete +${repository()}/snapshots/${commit}\n`));
    assert.match(table, new RegExp(`${row} +modelscope +master +[\\d.]+ MiB +complete +\\S+/snapshots/master\n`));
    const [first, second] = JSON.parse(await succeed(['cached', '--json']));
    assert.deepEqual(first, {
      model_name: 'deepseek-vl2',
      model_size_in_billions: 3,
      model_id: 'deepseek-ai/deepseek-vl2-tiny',
      hub: 'huggingface',
      revision: 'main',
      commit,
      bytes: tinyBytes,
      state: 'complete',
      path: path.join(repository(), 'snapshots', commit),
    });
    assert.equal(second.hub, 'modelscope');
  });

  test('of one name, size, hub or folder', async () => {
    const folder = path.join(home, 'elsewhere');
    await download('huggingface');
    await download('modelscope', ['--download-dir', folder]);
    const hubs = async (...args) => JSON.parse(await succeed(['cached', '--json', ...args])).map((model) => model.hub);
    assert.deepEqual(await hubs(), ['huggingface']);
    assert.deepEqual(await hubs('--download-dir', folder), ['modelscope']);
    assert.deepEqual(await hubs('--model_name', 'deepseek-vl2'), ['huggingface']);
    assert.deepEqual(await hubs('-n', 'deepseek-vl2', '-s', '16'), []);
    assert.deepEqual(await hubs('-n', 'deepseek-ai/deepseek-vl2-tiny'), ['huggingface']);
    assert.deepEqual(await hubs('--model-src', 'modelscope'), []);
    const { code, stderr } = await run(['cached', '-n', 'deepseek-vl']);
    assert.equal(code, 1);
    assert.match(stderr, /no model is named "deepseek-vl"/);
  });

  test('a download that was killed is partial, and complete once it went on', async () => {
    const { child, ended } = await heldDownload();
    child.kill('SIGKILL');
    await ended;
    const states = async () => JSON.parse(await succeed(['cached', '--json'])).map(({ state }) => state);
    assert.deepEqual(await states(), ['partial']);
    hub.settings = { token: null, msPerPiece: 0 };
    await download('huggingface');
    assert.deepEqual(await states(), ['complete']);
  });

  test('other models', async () => {
    const folder = path.join(home, '.cache/huggingface/hub/models--openai--whale/snapshots', commit);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'config.json'), '{}');
    assert.match(await succeed(['cached']), new RegExp(`\n- +- +openai/whale +huggingface +${commit} +2 bytes +other +/`));
  });
});

describe('remove-cache', () => {
  const remove = ['remove-cache', ...tiny];

  test('with --yes', async () => {
    await download('huggingface');
    await download('modelscope');
    const { removed, bytes, models } = JSON.parse(await succeed([...remove, '--yes', '--json']));
    assert.equal(removed, true);
    assert.ok(bytes >= 2 * tinyBytes);
    assert.deepEqual(models.map((model) => model.hub), ['huggingface', 'modelscope']);
    assert.equal(await succeed(['cached']), 'There are no cached models.\n');
    assert.ok(models.flatMap(({ paths }) => paths).every((each) => !existsSync(each)));
  });

  test('of one hub alone', async () => {
    await download('huggingface');
    await download('modelscope');
    assert.match(await succeed([...remove, '-y', '--model-src', 'modelscope']), /modelscope[\s\S]* removed\n$/);
    assert.ok(existsSync(repository()));
  });

  test('--dry-run changes nothing', async () => {
    await download('huggingface');
    assert.match(await succeed([...remove, '--dry-run']), new RegExp(`${repository()}\n$`));
    assert.equal(JSON.parse(await succeed([...remove, '--dry-run', '--json'])).removed, false);
    assert.ok(existsSync(repository()));
  });

  test('asks nobody where nobody is', async () => {
    await download('huggingface');
    const { code, stderr } = await run(remove, { input: 'y\n' });
    assert.equal(code, 1);
    assert.match(stderr, /nothing is removed .*give --yes/);
    assert.ok(existsSync(repository()));
  });

  test('asks at a terminal', async () => {
    await download('huggingface');
    const no = await runAtTerminal(remove, [[/Remove .*\[y\/N\] $/, '\n']], { env: environment() });
    assert.equal(no.code, 1);
    assert.match(no.shown, /nothing is removed/);
    assert.ok(existsSync(repository()));
    const yes = await runAtTerminal([...remove, '--check'], [[/Remove .*\[y\/N\] $/, 'y\n']], { env: environment() });
    assert.equal(yes.code, 0, yes.shown);
    assert.ok(!existsSync(repository()));
  });

  test('not while the model is being fetched', async () => {
    const { child, ended } = await heldDownload();
    const { code, stderr } = await run([...remove, '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /deepseek-vl2-tiny is being fetched by another process/);
    assert.ok(existsSync(repository()));
    child.kill('SIGKILL');
    await ended;
    await succeed([...remove, '--yes']);
    assert.ok(!existsSync(repository()));
  });

  test('not through a link out of the cache', async () => {
    await download('huggingface');
    const elsewhere = path.join(home, 'elsewhere');
    renameSync(repository(), elsewhere);
    symlinkSync(elsewhere, repository());
    const { code, stderr } = await run([...remove, '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /a link out of the cache, which is not followed; nothing is removed/);
    assert.ok(existsSync(path.join(elsewhere, 'refs/main')));
  });

  test('of a model that the program does not know, by its id', async () => {
    const folder = path.join(home, '.cache/huggingface/hub/models--openai--whale');
    mkdirSync(path.join(folder, 'blobs'), { recursive: true });
    await succeed(['remove-cache', '-n', 'openai/whale', '--yes']);
    assert.ok(!existsSync(folder));
    const { code, stderr } = await run(['remove-cache', '-n', 'openai/../..', '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /model id "openai\/\.\.\/\.\."; allowed: OWNER\/NAME/);
  });

  test('tells that there is nothing', async () => {
    const { code, stderr } = await run([...remove, '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /no cache holds anything of deepseek-vl2 3; `spyhop cached` lists what there is/);
  });
});

describe('login', () => {
  const mode = (file) => statSync(file).mode & 0o777;
  const hfToken = () => path.join(home, '.cache/huggingface/token');
  const scopeToken = () => path.join(home, '.modelscope/token');

  test('keeps a token from stdin, which then opens a guarded model', async () => {
    hub.settings.token = 'hf_secret';
    assert.equal((await run(['download', ...tiny])).code, 1);
    const stdout = await succeed(['login'], { input: ' hf_secret \n' });
    assert.equal(stdout, `logged in at Hugging Face as whale; the token is stored in ${hfToken()}\n`);
    assert.equal(readFileSync(hfToken(), 'utf8'), 'hf_secret');
    assert.equal(mode(hfToken()), 0o600);
    assert.match(readFileSync(path.join(home, '.cache/huggingface/stored_tokens'), 'utf8'), /^\[laptop\]\nhf_token = hf_secret\n/);
    await download('huggingface');
  });

  test('at ModelScope', async () => {
    hub.settings.token = 'ms-secret';
    const result = JSON.parse(await succeed(['login', '--model-src', 'ModelScope', '--json'], { input: 'ms-secret' }));
    assert.deepEqual(result, { hub: 'modelscope', endpoint: hub.url, user: 'whale', file: scopeToken() });
    assert.equal(readFileSync(scopeToken(), 'utf8'), 'ms-secret');
    assert.equal(mode(scopeToken()), 0o600);
  });

  test('asks at a terminal and does not show what is typed', async () => {
    hub.settings.token = 'hf_secret';
    const { code, shown } = await runAtTerminal(['login'], [[/Token for Hugging Face .*: $/, 'hf_secret\n']], { env: environment() });
    assert.equal(code, 0, shown);
    assert.doesNotMatch(shown, /hf_secret/);
    assert.match(shown, /logged in at Hugging Face as whale/);
    assert.equal(readFileSync(hfToken(), 'utf8'), 'hf_secret');
  });

  test('stores nothing that the hub does not know', async () => {
    hub.settings.token = 'hf_secret';
    for (const src of ['huggingface', 'modelscope']) {
      const { code, stdout, stderr } = await run(['login', '--model-src', src], { input: 'hf_wrong\n' });
      assert.equal(code, 1);
      assert.match(stderr, /does not know this token \(status 401\); nothing is stored/);
      assert.doesNotMatch(stdout + stderr, /hf_wrong/);
    }
    assert.deepEqual(readdirSync(home), []);
  });

  test('--no-verify stores without a network', async () => {
    const env = { HF_HUB_OFFLINE: '1' };
    const offline = await run(['login'], { input: 'hf_any\n', env });
    assert.equal(offline.code, 1);
    assert.match(offline.stderr, /HF_HUB_OFFLINE .*--no-verify/);
    assert.equal(await succeed(['login', '--no-verify'], { input: 'hf_any\n', env }), `the token is stored in ${hfToken()}\n`);
    assert.equal(readFileSync(hfToken(), 'utf8'), 'hf_any');
  });

  test('refuses what is no token', async () => {
    assert.match((await run(['login', '--no-verify'])).stderr, /no token was given/);
    for (const input of ['two words\n', 'tück\n', `${'x'.repeat(5000)}\n`]) {
      const { code, stderr } = await run(['login', '--no-verify'], { input });
      assert.equal(code, 1);
      assert.match(stderr, /the input holds no token: allowed are up to 4096 printable characters without spaces/);
    }
    assert.deepEqual(readdirSync(home), []);
  });

  test('replaces a token file that is none, and says that a variable wins', async () => {
    mkdirSync(path.dirname(hfToken()), { recursive: true });
    writeFileSync(hfToken(), 'not a token');
    const { code, stderr } = await run(['login', '--no-verify'], { input: 'hf_new\n', env: { HF_TOKEN: 'hf_old' } });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /HF_TOKEN is set and wins/);
    assert.equal(readFileSync(hfToken(), 'utf8'), 'hf_new');
  });
});
