// Settings from flags, variables, files and defaults; what the program says about itself to shells and readers.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { sourceDir } from './paths.mjs';
import { runProgram, Server } from './support.mjs';

let folder;
before(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'spyhop-config-'))));
after(() => rmSync(folder, { recursive: true }));

const run = (args, env = {}) => runProgram(args, { env: { ...process.env, ...env } });
async function settings(args, env) {
  const { code, stdout, stderr } = await run(['config', '--json', ...args], env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).settings;
}
function configFile(content) {
  const file = path.join(folder, 'config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('config', () => {
  test('flags win, then variables, then the file, then defaults', async () => {
    const file = configFile({ 'max-queue': 1, 'max-n': 1, port: 1, 'api-key': ['sk-file'] });
    const all = await settings(['--config', file, '--max-queue', '3'], { SPYHOP_MAX_QUEUE: '2', SPYHOP_MAX_N: '2' });
    assert.deepEqual(all['max-queue'], { value: 3, source: 'flag' });
    assert.deepEqual(all['max-n'], { value: 2, source: 'variable SPYHOP_MAX_N' });
    assert.deepEqual(all.port, { value: 1, source: `file ${file}` });
    assert.deepEqual(all.host, { value: '127.0.0.1', source: 'default' });
    assert.deepEqual(all['api-key'], { value: ['********'], source: `file ${file}` });
  });

  test('is a table', async () => {
    const { code, stdout } = await run(['config', '--api-key', 'sk-secret'], { SPYHOP_CONFIG: '', HF_TOKEN: 'hf_secret' });
    assert.equal(code, 0);
    assert.match(stdout, /^Setting +Value +Source\n/);
    assert.match(stdout, /^api-key +\*{8} +flag$/m);
    assert.match(stdout, /^max-queue +256 +default$/m);
    assert.match(stdout, /^HF_TOKEN +\*{8} +variable HF_TOKEN$/m);
    assert.doesNotMatch(stdout, /secret/);
  });

  for (const name of readdirSync(path.join(sourceDir, 'configs'))) {
    test(`takes configs/${name}`, async () => {
      const file = path.join(sourceDir, 'configs', name);
      const all = await settings(['--config', file]);
      const sources = new Set(Object.values(all).map(({ source }) => source));
      assert.deepEqual([...sources].sort(), ['default', `file ${file}`]);
    });
  }

  const refused = [
    ['an unknown key', { 'max-quue': 1 }, /config\.json: no setting is named "max-quue"; the nearest is max-queue/],
    ['a value out of range', { port: 70000 }, /config\.json: port = 70000: /],
    ['a value of another type', { port: [] }, /config\.json: port = .*; allowed: a text or a number/],
    ['no JSON', '{"port": 1,}', /config\.json/],
    ['a key twice', '{"port": 1, "port": 2}', /port/],
  ];
  for (const [what, content, expected] of refused) {
    test(`refuses ${what}, as launch does`, async () => {
      for (const command of ['config', 'launch']) {
        const { code, stdout, stderr } = await run([command, '--config', configFile(content)]);
        assert.notEqual(code, 0);
        assert.match(stderr, expected);
        assert.equal(stdout, '');
      }
    });
  }

  test('refuses a file that there is not', async () => {
    const { code, stderr } = await run(['launch', '--config', path.join(folder, 'none.json')]);
    assert.equal(code, 1);
    assert.match(stderr, /none\.json: no such file/);
  });

  test('of a server that is launched by a file', async () => {
    const file = configFile({ 'model-path': checkpointOf('mini-tiny'), 'model-name': 'from-a-file', port: 0, 'api-key': 'sk-1' });
    const server = await Server.start(['launch', '--compute', 'f32'], { family: 'from-a-file', env: { SPYHOP_CONFIG: file } });
    assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
    const { data } = await server.client({ apiKey: 'sk-1' }).models.list();
    assert.equal(data[0].id, 'from-a-file');
    await server.stop();
  });

  test('SPYHOP_NO_REMOTE_IMAGES refuses remote images', async () => {
    assert.equal((await settings([], { SPYHOP_NO_REMOTE_IMAGES: '1' }))['no-remote-images'].value, true);
    const server = await Server.launch({ env: { SPYHOP_NO_REMOTE_IMAGES: '1' } });
    const content = [{ type: 'image_url', image_url: { url: 'http://192.0.2.1/a.png' } }];
    await assert.rejects(server.chat({ messages: [{ role: 'user', content }] }), /data:/);
    await server.stop();
  });
});

describe('completion', () => {
  async function complete(...words) {
    const { stdout: script } = await run(['completion', 'bash']);
    const line = words.map((word) => `'${word}'`).join(' ');
    const text = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _spyhop; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { code, stdout, stderr } = await runProgram(['-euc', text], { command: 'bash' });
    assert.equal(code, 0, stderr);
    return stdout.split('\n').filter(Boolean).sort();
  }

  test('of commands, flags and values in bash', async () => {
    assert.deepEqual(await complete('spyhop', 'remove'), ['remove-cache']);
    assert.deepEqual(await complete('spyhop', 'launch', '--model-s'), ['--model-src']);
    assert.deepEqual(await complete('spyhop', 'launch', '--model-src', ''), ['auto', 'huggingface', 'modelscope']);
  });

  test('for zsh and fish', async () => {
    assert.match((await run(['completion', 'zsh'])).stdout, /^#compdef spyhop\n[\s\S]*--max-queue=/);
    assert.match((await run(['completion', 'fish'])).stdout, /complete -c spyhop .* -l max-queue /);
  });

  test('for no other shell', async () => {
    const { code, stdout, stderr } = await run(['completion', 'fishh']);
    assert.notEqual(code, 0);
    assert.match(stderr, /no shell is named "fishh"; allowed: bash, zsh, fish; the nearest is fish/);
    assert.equal(stdout, '');
  });
});

describe('man', () => {
  test('prints the page', async () => {
    const { code, stdout } = await run(['man']);
    assert.equal(code, 0);
    assert.match(stdout, /^\.\\" .*\n\.TH SPYHOP 1 /);
    for (const command of ['launch', 'remove\\-cache', 'bench serve']) assert.ok(stdout.includes(`\n.SS spyhop ${command}\n`));
    const lines = stdout.split('\n').filter((line) => line.startsWith('.'));
    assert.ok(lines.every((line) => /^\.(\\"|TH |SH |SS |TP$|PP$|nf$|fi$)/.test(line)));
  });
});
