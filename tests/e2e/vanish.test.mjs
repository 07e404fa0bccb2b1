// Clients by the hundred that go away in the middle of their answers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, sleep } from './support.mjs';

const numClients = 500;

let server;
before(
  async () =>
    (server = await Server.launch({
      args: ['--max-connections', '600', '--max-num-seqs', '64', '--max-queue', '600', '--log-level', 'error'],
    })),
);
after(() => server.stop());

/** A client whose answer has begun to stream: what breaks it off. */
async function connect(i) {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: `Tell me story number ${i}.` }],
      max_tokens: 3000,
      n: 1 + (i % 100 === 0),
      ignore_eos: true,
      stream: true,
    }),
    signal: abort.signal,
  });
  assert.equal(response.status, 200);
  await response.body.getReader().read();
  return abort;
}

async function comeAndGo() {
  const clients = await Promise.all(Array.from({ length: numClients }, (_, i) => connect(i)));
  clients.forEach((client) => client.abort());
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
