// The models that the program knows: listed, added, removed, and what each allows.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { runProgram, Server } from './support.mjs';

let home;
beforeEach(() => {
  if (home) rmSync(home, { recursive: true });
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-registry-'));
});
after(() => home && rmSync(home, { recursive: true }));

const run = (...args) => runProgram(args, { env: { ...process.env, HOME: home } });
async function json(...args) {
  const { code, stdout, stderr } = await run(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const entry = (changes = {}) => ({
  model_name: 'tuned',
  context_length: 4096,
  model_lang: ['en'],
  model_ability: ['chat', 'vision'],
  model_specs: [{ model_format: 'pytorch', model_size_in_billions: 3, model_uri: `file://${checkpointOf('mini-tiny')}` }],
  ...changes,
});
function entryFile(content) {
  const file = path.join(home, 'entry.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('registrations', () => {
  test('are a table on stdout', async () => {
    const { code, stdout, stderr } = await run('registrations', '--model-type', 'llm');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Type +Name +Language +Ability +Is-built-in\nLLM +deepseek-vl2 +en, zh +chat, vision +True\n$/);
    assert.equal(stderr, '');
  });

  test('are JSON', async () => {
    const [model, ...others] = await json('registrations', '-t', 'LLM');
    assert.deepEqual(others, []);
    const { model_description: description, ...rest } = model;
    assert.match(description, /Mixture-of-Experts/);
    assert.deepEqual(rest, {
      model_type: 'LLM',
      model_name: 'deepseek-vl2',
      model_lang: ['en', 'zh'],
      model_ability: ['chat', 'vision'],
      is_builtin: true,
      context_length: 4096,
    });
  });

  test('are of one type', async () => {
    const { code, stderr } = await run('registrations', '-t', 'embedding');
    assert.notEqual(code, 0);
    assert.match(stderr, /no model type is named "embedding"; allowed: LLM/);
  });
});

describe('register and unregister', () => {
  test('a model that is then served', async () => {
    const registered = await json('register', '-f', entryFile(entry()), '--persist');
    assert.deepEqual(registered, { model_name: 'tuned', file: path.join(home, '.spyhop/models/tuned.json') });
    assert.ok(existsSync(registered.file));
    assert.match((await run('registrations')).stdout, /^LLM +tuned +en +chat, vision +False$/m);
    const server = await Server.start(['launch', '-n', 'tuned', '--port', '0'], { family: 'tuned', env: { HOME: home } });
    assert.equal((await server.client().models.list()).data[0].id, 'tuned');
    await server.stop();
    const { code, stdout } = await run('unregister', '--model-name', 'tuned');
    assert.equal(code, 0);
    assert.equal(stdout, 'tuned is no longer registered\n');
    assert.ok(!existsSync(registered.file));
    assert.equal((await json('registrations')).length, 1);
  });

  test('again, in place of the earlier entry', async () => {
    await run('register', '-f', entryFile(entry()));
    assert.equal((await run('register', '-f', entryFile(entry({ context_length: 2048 })))).code, 0);
    const models = await json('registrations');
    assert.deepEqual(models.map(({ model_name: name, context_length: length }) => [name, length]).sort(), [
      ['deepseek-vl2', 4096],
      ['tuned', 2048],
    ]);
  });

  const refused = [
    ['no JSON', '{', /entry\.json/],
    ['a path that is none', entry({ model_specs: [{ ...entry().model_specs[0], model_uri: 'weights' }] }), /model_specs\[0\]\.model_uri = "weights"; allowed: an absolute path/],
    ['an unknown key', entry({ chat_template: '' }), /entry\.json: chat_template/],
    ['half an entry', { model_name: 'tuned' }, /model_specs is missing/],
    ['a name that leaves the folder', entry({ model_name: '../tuned' }), /model_name = "\.\.\/tuned"; allowed: 1 to 96 letters/],
    ['a shipped name', entry({ model_name: 'deepseek-vl2' }), /allowed: a name that no shipped model has/],
  ];
  for (const [what, content, expected] of refused) {
    test(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await run('register', '-f', entryFile(content));
      assert.notEqual(code, 0);
      assert.match(stderr, expected);
      assert.equal(stdout, '');
      assert.deepEqual(readdirSync(home), ['entry.json']);
    });
  }

  test('refuses a file that there is not', async () => {
    const { code, stderr } = await run('register', '-f', path.join(home, 'none.json'));
    assert.equal(code, 1);
    assert.match(stderr, /none\.json: no such file/);
  });

  test('unregister names the nearest', async () => {
    assert.match((await run('unregister', '-n', 'tuned')).stderr, /no model named "tuned" is registered; none is registered/);
    await run('register', '-f', entryFile(entry()));
    await run('register', '-f', entryFile(entry({ model_name: 'other' })));
    const { code, stderr } = await run('unregister', '-n', 'tund');
    assert.equal(code, 1);
    assert.match(stderr, /no model named "tund" is registered; allowed: other, tuned; the nearest is tuned/);
    assert.match((await run('unregister', '-n', 'deepseek-vl2')).stderr, /"deepseek-vl2" is shipped/);
    assert.equal(readFileSync(path.join(home, '.spyhop/models/tuned.json'), 'utf8'), JSON.stringify(entry()));
  });
});

describe('engine', () => {
  test('lists what a model allows', async () => {
    const { code, stdout, stderr } = await run('engine', '--model-name', 'deepseek-vl2');
    assert.equal(code, 0, stderr);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    assert.match(head, /^Name +Engine +Format +Size \(in billions\) +Quantization$/);
    assert.equal(rows.length, 6);
    assert.match(rows[0], /^deepseek-vl2 +libtorch +pytorch +27 +none, int8, int4$/);
  });

  test("takes xinference's names, case aside", async () => {
    const engines = await json('engine', '-n', 'deepseek-vl2', '-en', 'Transformers', '-f', 'PyTorch', '-s', '16', '-q', 'INT8');
    const expected = { model_name: 'deepseek-vl2', model_format: 'pytorch', model_size_in_billions: 16, quantizations: ['int8'] };
    assert.deepEqual(engines, { transformers: [expected] });
    const sized = await json('engine', '-n', 'deepseek-vl2', '--model-size-in-billions', '3');
    assert.deepEqual(Object.keys(sized), ['libtorch', 'transformers']);
  });

  const refused = [
    ['model', ['-n', 'deepseek-vl3'], /no model is named "deepseek-vl3"; allowed: deepseek-vl2/],
    ['engine', ['-n', 'deepseek-vl2', '-en', 'vllm'], /no engine of deepseek-vl2 is named "vllm"; allowed: libtorch, transformers/],
    ['format', ['-n', 'deepseek-vl2', '-f', 'awq'], /no format of deepseek-vl2 is named "awq"; allowed: pytorch/],
    ['size', ['-n', 'deepseek-vl2', '-s', '15'], /no size "15"; allowed: 27 \(base\), 16 \(small\), 3 \(tiny\); the nearest is 16/],
    ['quantization', ['-n', 'deepseek-vl2', '-q', 'int3'], /named "int3"; allowed: none, int8, int4; the nearest is int8/],
  ];
  for (const [what, args, expected] of refused) {
    test(`tells what there is in place of a ${what} that there is not`, async () => {
      const { code, stdout, stderr } = await run('engine', ...args);
      assert.notEqual(code, 0);
      assert.match(stderr, expected);
      assert.equal(stdout, '');
    });
  }
});

describe('words that there are not', () => {
  test('a command', async () => {
    const { code, stderr } = await run('registratons');
    assert.notEqual(code, 0);
    assert.match(stderr, /no command "registratons"; the nearest is registrations/);
  });
  test('a flag', async () => {
    const { code, stderr } = await run('launch', '--max-quue', '3');
    assert.notEqual(code, 0);
    assert.match(stderr, /spyhop launch has no flag "--max-quue"; the nearest is --max-queue/);
  });
});
