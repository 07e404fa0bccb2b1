// The benches that measure from inside, in their smallest settings: what they print can be read and computed with.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { sourceDir } from './paths.mjs';
import { runProgram } from './support.mjs';

const checkpoint = (family) => path.join(sourceDir, 'tests/golden', family, 'checkpoint');

async function measure(...args) {
  const { code, stdout, stderr } = await runProgram(['bench', ...args, '--json']);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.ok(report.results.length > 0);
  for (const { name, value, unit, limit, ratio } of report.results) {
    assert.equal(typeof name, 'string');
    assert.ok(unit.length > 0);
    for (const number of [value, limit, ratio]) assert.ok(Number.isFinite(number) && number > 0, `${name}: ${number}`);
  }
  for (const state of [report.machine.before, report.machine.after]) {
    assert.ok(state.read_gb_per_s > 0 && state.bf16_gflop_per_s > 0 && state.int8_gop_per_s > 0);
  }
  assert.ok(report.machine.threads >= 1 && report.machine.others_cores >= 0);
  return report.results.map(({ name }) => name);
}

const short = ['--pairs', '2', '--min-ms', '5'];

describe('bench', () => {
  test('kernels', async () => {
    const names = await measure('kernels', '--sizes', 'tiny', '--rows', '1,4', '--formats', 'bf16,int4', '--least-mib', '8',
      '--filter', 'tiny.attention.o', ...short);
    assert.deepEqual(names, ['bf16 x1', 'bf16 x4', 'int4 x1', 'int4 x4'].map((tail) => `tiny.attention.o ${tail}`));
  });

  for (const family of ['mini-tiny', 'mini-small', 'mini-base']) {
    test(`throughput of ${family}`, async () => {
      const names = await measure('throughput', '--model-path', checkpoint(family), '-p', '32', '-n', '4', '-b', '1,3', '-d', '20',
        ...short);
      assert.deepEqual(names.filter((name) => !/read|arithmetic/.test(name)), ['prefill 32', 'decode x1 at 20', 'decode x3 at 20']);
    });
  }

  test('throughput while disturbed', async () => {
    const names = await measure('throughput', '--model-path', checkpoint('mini-tiny'), '-n', '4', '--disturb', 'parse,core', ...short);
    assert.deepEqual(names, ['decode x1 beside a busy process', 'decode x1 beside 2 requests being prepared']);
  });

  test('vision', async () => {
    const names = await measure('vision', '--model-path', checkpoint('mini-small'), '--tiles', '2', ...short);
    assert.deepEqual(names, ['vision x2', 'vision x2 arithmetic']);
  });

  test('load', async () => {
    const names = await measure('load', '--model-path', checkpoint('mini-tiny'), '--pairs', '1');
    assert.equal(names.length, 4);
  });

  test('constraint', async () => {
    const { code, stdout, stderr } = await runProgram(['bench', 'constraint', '--json', '--tokenizer', checkpoint('mini-tiny')]);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout);
    assert.ok(report.constraints.length >= 5);
    for (const row of report.constraints) assert.ok(row.tokens > 0 && row.mean_ms > 0 && row.p99_ms >= row.median_ms, row.name);
  });

  test('load tells why a server does not start', async () => {
    const { code, stderr } = await runProgram(['bench', 'load', '--model-path', path.join(sourceDir, 'tests')]);
    assert.equal(code, 1);
    assert.match(stderr, /config\.json/);
  });

  test('unknown instruction sets are named', async () => {
    const { code, stderr } = await runProgram(['bench', 'vision', '--instruction-set', 'avx9']);
    assert.equal(code, 1);
    assert.match(stderr, /avx9/);
  });
});
