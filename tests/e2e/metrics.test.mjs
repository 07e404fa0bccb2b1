import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { collect, Server, sleep } from './support.mjs';

let server;
before(async () => (server = await Server.launch({ args: ['--api-key', 'secret', '--max-num-seqs', '1', '--max-queue', '1'] })));
after(() => server.stop());

const client = () => server.client({ apiKey: 'secret' });
const chat = (body, options) =>
  client().chat.completions.create({ model: 'mini-tiny', messages: [{ role: 'user', content: 'Hi' }], ...body }, options);
const endless = { max_tokens: 2000, ignore_eos: true };

/** The series of /metrics: name with labels -> number. */
async function series() {
  const response = await fetch(`${server.url}/metrics`);
  assert.equal(response.status, 200);
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = line.match(/^([a-z0-9_:]+(?:\{.*\})?) (\S+)$/);
      assert.ok(!Number.isNaN(Number(value.replace('+Inf', 'Infinity'))), line);
      return [name, Number(value)];
    }),
  );
}

const of = (name, label = '') => `spyhop:${name}{engine="0",${label}model_name="mini-tiny"}`;

test('/metrics counts requests, tokens and seconds, without a key', async () => {
  const before = await series();
  const answer = await chat({ max_tokens: 5, ignore_eos: true });
  const now = await series();
  const grown = (name, label) => now[of(name, label)] - before[of(name, label)];
  assert.equal(grown('request_success_total', 'finished_reason="length",'), 1);
  assert.equal(grown('prompt_tokens_total'), answer.usage.prompt_tokens);
  assert.equal(grown('generation_tokens_total'), 5);
  assert.equal(grown('time_to_first_token_seconds_count'), 1);
  assert.equal(grown('inter_token_latency_seconds_count'), 4);
  assert.ok(grown('e2e_request_latency_seconds_sum') > 0);
  assert.ok(now.process_resident_memory_bytes > 1e6);
  assert.ok(now['http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"}'] >= 1);
});

test('an answer tells its times where asked for', async () => {
  const { metrics } = await chat({ max_tokens: 3, ignore_eos: true, include_metrics: true });
  for (const name of ['queue_time_ms', 'time_to_first_token_ms', 'generation_time_ms', 'mean_itl_ms', 'tokens_per_second'])
    assert.ok(metrics[name] >= 0, `${name} in ${JSON.stringify(metrics)}`);
  const { chunks } = await collect(await chat({ max_tokens: 3, stream: true, include_metrics: true }));
  assert.ok(chunks.at(-1).metrics.queue_time_ms >= 0);
  assert.deepEqual(chunks.at(-1).choices, []);
});

test('a request over its time limit ends, whole or streamed', async () => {
  await assert.rejects(chat({ ...endless, timeout: 0.05 }), (error) => error.status === 504 && error.code === 'timeout');
  const stream = await chat({ ...endless, timeout: 0.05, stream: true });
  await assert.rejects(collect(stream), (error) => error instanceof OpenAI.APIError && error.code === 'timeout');
});

test('a full queue refuses streams before their headers, and /load shows why', async () => {
  const streams = [];
  for (let i = 0; i < 2; ++i) streams.push(await chat({ ...endless, stream: true }));
  const load = await (await fetch(`${server.url}/load`)).json();
  assert.deepEqual([load.server_load, load.max_num_seqs, load.max_queue], [2, 1, 1]);
  for (const stream of [false, true]) {
    await assert.rejects(chat({ stream }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.match(error.headers.get('retry-after'), /^[1-9]\d*$/);
      return true;
    });
  }
  streams.forEach((stream) => stream.controller.abort());
  for (let left = 100; (await series())[of('num_requests_running')] > 0; --left) {
    assert.ok(left > 0, 'the streams are still running');
    await sleep(50);
  }
});
