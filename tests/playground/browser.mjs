// Chromium, and what the tests do with the page.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = process.env.SPYHOP_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const patienceMs = 60_000; // of a busy machine

/** A browser with a camera that shows a test picture. A sandbox of its own it cannot have as root or in a container. */
export function startBrowser() {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  return chromium.launch({ executablePath, args, timeout: patienceMs });
}

/** What the page may say on the console: that a request was refused, where the test has it refused. */
const isExpected = (text) => /^Failed to load resource: (the server responded with a status of (4|5)\d\d|net::ERR_)/.test(text);

/**
 * A page in a window of its own, at `url`. `settings` are those of the page's form. close() fails the test for errors on the
 * console, save refused requests with `mayFail`, and for any request to another address.
 */
export async function openPage(browser, url, { settings = {}, mayFail = false, path = '/', ready = true, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => {
    const text = message.text();
    if (['error', 'warning'].includes(message.type()) && !(mayFail && isExpected(text))) problems.push(text);
  });
  page.on('pageerror', (error) => problems.push(error.stack));
  page.on('request', (request) => {
    const address = request.url();
    if (!address.startsWith(`${url}/`) && !/^(blob|data):/.test(address)) problems.push(`a request to ${address}`);
  });
  await page.addInitScript((values) => {
    if (!localStorage.getItem('spyhop.settings')) localStorage.setItem('spyhop.settings', JSON.stringify(values));
  }, { temperature: 0, max_tokens: 24, ...settings });
  await page.goto(url + path);
  if (ready) await page.waitForFunction(() => document.querySelector('#model, #models li')?.textContent);
  return {
    page,
    context,
    async close() {
      await context.close();
      assert.deepEqual(problems, []);
    },
  };
}

/** Drops files onto the page, as from a file manager: [{name, type, bytes}]. */
export async function drop(page, files) {
  const sent = files.map(({ name, type, bytes }) => ({ name, type, base64: Buffer.from(bytes).toString('base64') }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, type, base64 } of list) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    }
    return data;
  }, sent);
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('#transcript', event, { dataTransfer: transfer });
}

/** Asks, and waits until the answer has ended one way or another; gives its element. */
export async function ask(page, text, task = 'chat') {
  await page.check(`#composer input[value="${task}"]`, { force: true });
  await page.fill('#question', text);
  await page.press('#question', 'Enter');
  return ended(page);
}

export async function ended(page) {
  await page.waitForSelector('.assistant:last-child:not([data-state="coming"])');
  await page.waitForSelector('#send:not([hidden])');
  return page.locator('.assistant:last-child');
}

/**
 * Asks, and halts the server (SIGSTOP) while its answer is coming and some of it is shown. The models of the tests are quick: an
 * answer that ended first is followed by another question in a new conversation.
 */
export async function haltInAnswer(page, server) {
  const shown = () => page.evaluate(() => {
    const answer = document.querySelector('.assistant:last-child');
    return { state: answer?.dataset.state, length: answer?.querySelector('.text').textContent.length ?? 0 };
  });
  for (;;) {
    await page.click('#new-chat');
    await page.fill('#question', 'Count.');
    const begun = page.evaluate(() => new Promise((resolve) => {
      const look = () => document.querySelector('.assistant .text')?.textContent.length > 0 && resolve();
      new MutationObserver(look).observe(document.querySelector('#messages'), { childList: true, subtree: true });
    }));
    await page.click('#send');
    await begun;
    server.signal('SIGSTOP');
    let [before, now] = [{}, await shown()];
    while (now.state === 'coming' && now.length !== before.length) {
      await page.waitForTimeout(100); // for what is on its way
      [before, now] = [now, await shown()];
    }
    if (now.state === 'coming') return;
    server.signal('SIGCONT');
  }
}

/** Has requests for answers carry further fields: the models of the tests are random, and say only what a form makes them. */
export async function addToRequests(page, fields) {
  await page.route('**/v1/chat/completions', (route) =>
    route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), ...fields }) }));
}

/** The colours of points of the window, as {r, g, b}. */
export async function coloursAt(page, points) {
  const shot = await page.screenshot();
  return page.evaluate(async ([base64, list]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    pen.drawImage(bitmap, 0, 0);
    return list.map(({ x, y }) => {
      const [r, g, b] = pen.getImageData(Math.round(x), Math.round(y), 1, 1).data;
      return { r, g, b };
    });
  }, [shot.toString('base64'), points]);
}
