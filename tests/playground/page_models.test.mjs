// The page of models and load.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openPage, startBrowser } from './browser.mjs';
import { checkpointOf } from './golden.mjs';
import { sourceDir } from './paths.mjs';
import { Server } from './support.mjs';

let server;
let browser;
let home;
before(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-playground-'));
  const env = { HOME: home, SPYHOP_HOME: path.join(home, 'spyhop'), HF_HUB_OFFLINE: '1' };
  const serve = Server.start(['serve', '--port', '0', '--allow-model-path', path.join(sourceDir, 'tests/golden')], { env });
  [server, browser] = await Promise.all([serve, startBrowser()]);
  const model = {
    model_name: 'small-one', context_length: 4096, model_lang: ['en'], model_ability: ['chat', 'vision'],
    model_specs: [{ model_format: 'pytorch', model_size_in_billions: 3, model_uri: `file://${checkpointOf('mini-tiny')}` }],
  };
  const answer = await fetch(`${server.url}/v1/model_registrations/LLM`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: JSON.stringify(model), persist: true }),
  });
  assert.equal(answer.status, 200, await answer.text());
});
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(home, { recursive: true });
});

const open = () => openPage(browser, server.url, { path: '/playground/models.html', ready: false });
const state = (page, uid, status) => page.waitForSelector(`#models [data-uid="${uid}"][data-status="${status}"]`);

test('a model is loaded, shown with its memory, draws lines, and is unloaded', async () => {
  const { page, close } = await open();
  await page.waitForSelector('#no-models:not([hidden])');
  await page.selectOption('#launch [name="model_name"]', 'small-one');
  await page.fill('#launch [name="model_uid"]', 'mine');
  await page.click('#launch button');
  await state(page, 'mine', 'READY');
  await page.waitForFunction(() => /context 4,096 · [\d.]+ [MG]iB planned/.test(document.querySelector('#models .note')?.textContent));
  assert.match(await page.innerText('#memory'), /[\d.]+ [MG]iB planned for models; the program takes [\d.]+ [MG]iB now/);

  const chat = { model: 'mine', messages: [{ role: 'user', content: 'x' }], max_tokens: 50, ignore_eos: true };
  await server.client().chat.completions.create(chat);
  await page.waitForFunction(() => /[1-9]/.test(document.querySelectorAll('.chart')[1].querySelector('.line-0 b').textContent));
  assert.match(await page.getAttribute('.chart >> nth=1 >> svg', 'aria-label'), /^Tokens per second: generated [\d.,]+, of questions [\d.,]+$/);

  await page.click('#models [data-uid="mine"] button');
  await page.click('#confirm-dialog .danger');
  await page.waitForSelector('#no-models:not([hidden])');
  await close();
});

test('a launch that fails says why, and can be dismissed', async () => {
  const { page, close } = await open();
  await page.selectOption('#launch [name="model_name"]', 'deepseek-vl2');
  await page.selectOption('#launch [name="quantization"]', 'int4');
  await page.fill('#launch [name="model_uid"]', 'far');
  await page.click('#launch button');
  await state(page, 'far', 'ERROR');
  assert.match(await page.innerText('#models [data-uid="far"] .failure'), /\w+/);
  await page.click('#models [data-uid="far"] button');
  await page.waitForSelector('#no-models:not([hidden])');
  await close();
});
