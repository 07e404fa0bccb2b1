// What goes wrong is told in a sentence, and the conversation is kept.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { addToRequests, ask, drop, ended, haltInAnswer, openPage, startBrowser } from './browser.mjs';
import { checkpointOf } from './golden.mjs';
import { drawPng } from './pictures.mjs';
import { Server } from './support.mjs';

const png = (claim) => drawPng(8, 8, () => [9, 9, 9], claim);
const failureOf = async (answer) => ({
  kind: await answer.locator('.failure').getAttribute('data-kind'),
  sentence: await answer.locator('.failure p').first().innerText(),
});

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const launchAt = (port, ...args) =>
  Server.start(['launch', '--model-path', checkpointOf('mini-tiny'), '--model-name', 'mini-tiny', '--port', `${port}`, ...args], { family: 'mini-tiny' });

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

describe('pictures that are none', () => {
  let server;
  before(async () => (server = await Server.launch({ args: ['--max-num-seqs', '1', '--max-queue', '1'] })));
  after(() => server.stop());

  test('are refused at once, the others are taken', async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, [
      { name: 'notes.png', type: 'image/png', bytes: 'no picture' },
      { name: 'cut.png', type: 'image/png', bytes: png().subarray(0, 40) },
      { name: 'good.png', type: 'image/png', bytes: png() },
    ]);
    await page.waitForSelector('.attachment');
    assert.match(await page.innerText('#picture-problem'), /^cut\.png: This is no picture that can be read/);
    assert.equal(await page.locator('.attachment').count(), 1);
    await close();
  });

  test('with 200 megapixels are told before they are sent, and after', async () => {
    const { page, close } = await openPage(browser, server.url, { mayFail: true });
    await drop(page, [{ name: 'huge.png', type: 'image/png', bytes: png({ width: 20000, height: 10000 }) }]);
    assert.match(await page.innerText('.attachment .unshown'), /huge\.png: 20,000 × 10,000/);
    await page.fill('#question', 'What is this?');
    await page.waitForSelector('#plan .warning');
    assert.match(await page.innerText('#plan'), /larger than the server takes/);
    const answer = await ask(page, 'What is this?');
    assert.deepEqual(await failureOf(answer), { kind: 'picture_too_large', sentence: 'A picture is larger than the server takes. Make it smaller, and try again.' });
    assert.equal(await page.locator('.user .words').innerText(), 'What is this?');
    await close();
  });

  test('a full queue is told, and asking again works', async () => {
    const { page, close } = await openPage(browser, server.url, { mayFail: true });
    const other = new AbortController();
    const long = { messages: [{ role: 'user', content: 'x' }], n: 8, max_tokens: 4000, ignore_eos: true, stream: true };
    const headers = { 'Content-Type': 'application/json' };
    await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(long), signal: other.signal });
    const answer = await ask(page, 'And me?');
    const { kind, sentence } = await failureOf(answer);
    assert.equal(kind, 'busy');
    assert.match(sentence, /^Too many questions are waiting for this server\. Try again in \d+ s\.$/);
    other.abort();
    await page.waitForFunction(async () => (await (await fetch('load')).json()).server_load === 0);
    await answer.getByText('Try again', { exact: true }).click();
    assert.equal(await (await ended(page)).getAttribute('data-state'), 'done');
    assert.equal(await page.locator('.message').count(), 2);
    await close();
  });

  test('a context that is full is told', async () => {
    const { page, close } = await openPage(browser, server.url, { mayFail: true });
    assert.equal((await failureOf(await ask(page, 'word '.repeat(6000)))).kind, 'context');
    await close();
  });
});

test('a server that dies in an answer, and one that is not there, leave the conversation as it is', async () => {
  const port = await freePort();
  let server = await launchAt(port);
  const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 4000 }, mayFail: true });
  await addToRequests(page, { ignore_eos: true });
  await haltInAnswer(page, server);
  server.signal('SIGKILL');
  const answer = await ended(page);
  await server.exit();
  const { kind, sentence } = await failureOf(answer);
  assert.equal(kind, 'lost');
  assert.match(sentence, /^The connection broke off in the middle of the answer/);
  assert.ok((await answer.locator('.text').innerText()).length > 0);

  await answer.getByText('Try again', { exact: true }).click();
  assert.equal((await failureOf(await ended(page))).kind, 'offline');

  server = await launchAt(port);
  await page.unroute('**/v1/chat/completions');
  await addToRequests(page, { max_tokens: 5 });
  await page.getByText('Try again', { exact: true }).click();
  assert.equal(await (await ended(page)).getAttribute('data-state'), 'done');
  assert.equal(await page.locator('.user .words').innerText(), 'Count.');
  await close();
  await server.stop();
});

test('a server with a key asks for it, and a wrong one is told', async () => {
  const server = await Server.launch({ args: ['--api-key', 'right-secret'] });
  const { page, close } = await openPage(browser, server.url, { mayFail: true, ready: false });
  await page.waitForSelector('#key-dialog');
  await page.fill('#key', 'wrong');
  await page.press('#key', 'Enter');
  await page.waitForSelector('#key-dialog .failure:not([hidden])');
  assert.equal(await page.innerText('#key-dialog .failure'), 'The server does not know this key.');
  await page.fill('#key', 'right-secret');
  await page.press('#key', 'Enter');
  await page.waitForFunction(() => document.querySelector('#model').value === 'mini-tiny');
  assert.equal(await (await ask(page, 'Hi')).getAttribute('data-state'), 'done');
  assert.doesNotMatch(JSON.stringify(await page.evaluate(() => ({ ...localStorage }))), /right-secret/);
  await page.click('#show-code');
  assert.match(await page.innerText('#code-text'), /Bearer \$SPYHOP_API_KEY/);
  await close();
  await server.stop();
});
