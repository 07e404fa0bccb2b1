// The load generator against the server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runProgram, Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch({ args: ['--api-key', 'secret'] })));
after(() => server.stop());

const lengths = ['--random-input-len', '40', '--random-output-len', '6'];
const bench = async (...args) => {
  const flags = ['bench', 'serve', '--base-url', server.url, '--api-key', 'secret', '--json', '-', ...args];
  const { code, stdout, stderr } = await runProgram(flags);
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
};

test('a run counts what the server counts', async () => {
  const { code, report, stderr } = await bench(...lengths, '--num-prompts', '12', '--max-concurrency', '4');
  assert.equal(code, 0, stderr);
  assert.equal(report.completed, 12);
  assert.equal(report.total_output_tokens, 12 * 6);
  assert.ok(Math.abs(report.total_input_tokens - 12 * 40) < 12 * 8, `${report.total_input_tokens}`);
  assert.ok(report.median_ttft_ms > 0 && report.p99_e2el_ms >= report.median_e2el_ms);
});

test('a sweep, an image beside streams and a second turn', async () => {
  const sweep = await bench(...lengths, '--num-prompts', '4', '--sweep-concurrency', '1,4');
  assert.equal(sweep.code, 0, sweep.stderr);
  assert.equal(sweep.report.sweep.ratios.length, 2);
  const beside = await bench('--interfere-image', '384x384', '--interfere-rounds', '1', '--interfere-quiet', '0.3');
  assert.equal(beside.code, 0, beside.stderr);
  assert.ok(beside.report.interference.rounds[0].image_prompt_tokens > 421);
  const turns = await bench('--multi-turn', '--num-prompts', '1', '--image-size', '400x300');
  assert.equal(turns.code, 0, turns.stderr);
  assert.ok(turns.report.multi_turn.chats[0].first.image_tokens > 0);
});

test('a request that the server refuses fails the command', async () => {
  const { code, report } = await bench('--num-prompts', '2', '--random-input-len', '9000');
  assert.equal(code, 1);
  assert.equal(report.error_counts.http_400.count, 2);
});

test('a wrong key is told', async () => {
  const { code, stderr } = await runProgram(['bench', 'serve', '--base-url', server.url, '--api-key', 'wrong']);
  assert.equal(code, 1);
  assert.match(stderr, /401/);
});
