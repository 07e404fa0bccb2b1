// Clients by the hundred that go away in the middle of their answers.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Server, sleep } from './support.mjs';

const numClients = 500;

let server;
before(
  async () =>
    (server = await Server.launch({
      args: ['--max-connections', '600', '--max-num-seqs', '64', '--max-queue', '600', '--kv-cache-tokens', '8192', '--log-level', 'error'],
    })),
);
after(() => server.stop());

/** A client whose answer has begun to stream, on a connection of its own: fetch() of Node.js 18 may keep one that was aborted. */
function connect(i) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${server.url}/v1/chat/completions`,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } },
      (response) => {
        assert.equal(response.statusCode, 200);
        response.on('error', () => {}).once('data', () => resolve(request));
      },
    );
    request.on('error', reject);
    request.end(
      JSON.stringify({
        messages: [{ role: 'user', content: `Tell me story number ${i}.` }],
        max_tokens: 3000,
        n: 1 + (i % 100 === 0),
        ignore_eos: true,
        stream: true,
      }),
    );
  });
}

async function comeAndGo() {
  const clients = await Promise.all(Array.from({ length: numClients }, (_, i) => connect(i)));
  clients.forEach((client) => client.destroy());
  const gone = Date.now();
  for (;;) {
    const { server_load: load } = await (await fetch(`${server.url}/load`)).json();
    if (load === 0) break;
    assert.ok(Date.now() - gone < 20_000, `${load} answers are still in the works`);
    await sleep(20);
  }
}

/** Waits for the threads of closed connections to end. */
async function settled(threads) {
  for (let i = 0; i < 250 && server.usage().threads > threads; ++i) await sleep(20);
  return server.usage();
}

test('nothing is left of five hundred clients that vanish', async () => {
  const idle = server.usage().threads;
  for (let i = 0; i < 2; ++i) await comeAndGo();
  const warm = await settled(idle + 1);
  for (let i = 0; i < 3; ++i) await comeAndGo();
  const end = await settled(idle + 1);
  assert.ok(end.threads <= idle + 1, `${idle} threads before, ${end.threads} after`);
  assert.ok(end.bytes < warm.bytes * 1.05 + 8e6, `${warm.bytes} bytes before, ${end.bytes} after`);
  const answer = await server.chat({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3, ignore_eos: true });
  assert.equal(answer.usage.completion_tokens, 3);
});
