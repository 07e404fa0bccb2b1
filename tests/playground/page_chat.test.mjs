// A conversation in the browser: pictures, streams, boxes, stop, reload.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addToRequests, ask, coloursAt, drop, ended, haltInAnswer, openPage, startBrowser } from './browser.mjs';
import { imageBytes } from './golden.mjs';
import { drawPng } from './pictures.mjs';
import { Server } from './support.mjs';

const scene = { name: 'scene.png', type: 'image/png', bytes: drawPng(200, 100, () => [250, 250, 250]) };
const boxesText = '<|ref|>the **cat**<|/ref|><|det|>[[100, 200, 500, 800]]<|/det|> and <|ref|>a dog<|/ref|><|det|>[[600, 100, 999, 999], [7]]<|/det|>';

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([Server.launch(), startBrowser()]);
});
after(async () => {
  await browser.close();
  await server.stop();
});

describe('the chat page', () => {
  test('plans a dropped picture, answers, and tells the figures', async () => {
    const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 400 } });
    await addToRequests(page, { ignore_eos: true });
    await drop(page, [scene]);
    await page.fill('#question', 'What is this?');
    await page.waitForFunction(() => /left for the answer/.test(document.querySelector('#plan').textContent));
    assert.match(await page.textContent('.attachment'), /scene\.png200 × 1001 × 1 tiles, 421 tokens/);
    await page.click('#send');
    const answer = await ended(page);
    assert.equal(await answer.getAttribute('data-state'), 'done');
    assert.match(await answer.locator('.figures').textContent(), /mini-tiny · first token after [\d.]+ s · [\d,.]+ tokens\/s · 400 tokens · question 4\d\d tokens/);
    assert.equal(await page.locator('.attachment').count(), 0);
    await close();
  });

  test('draws boxes over the right pixels, with labels and coordinates to copy', async () => {
    const { page, context, close } = await openPage(browser, server.url, { settings: { max_tokens: 200 } });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await addToRequests(page, { guided_choice: [boxesText] });
    await drop(page, [scene]);
    const answer = await ask(page, 'cat', 'grounded_caption');
    assert.equal(await answer.locator('.text').innerText(), 'the **cat** and a dog');
    const frame = await answer.locator('.picture-frame img').boundingBox();
    const boxes = await answer.locator('.box .edge').all();
    const expected = [[20, 20, 100, 80], [120, 10, 200, 100]]; // pixels of the picture, as message.grounding has them
    assert.equal(boxes.length, expected.length);
    const scale = frame.width / 200;
    for (const [i, [left, top, right, bottom]] of expected.entries()) {
      const drawn = await boxes[i].evaluate((node) => {
        const matrix = node.getScreenCTM();
        const { x, y, width, height } = node.getBBox();
        return [matrix.e + x * matrix.a, matrix.f + y * matrix.d, width * matrix.a, height * matrix.d];
      });
      const wanted = [frame.x + left * scale, frame.y + top * scale, (right - left) * scale, (bottom - top) * scale];
      drawn.forEach((side, k) => assert.ok(Math.abs(side - wanted[k]) < 1.5, `box ${i}: ${drawn} is not ${wanted}`));
    }
    const [edge, inside, outside] = await coloursAt(page, [[60, 20], [60, 50], [110, 50]].map(([x, y]) => ({ x: frame.x + x * scale, y: frame.y + y * scale })));
    assert.ok(edge.r > 200 && edge.g < 140, `the edge is ${JSON.stringify(edge)}`);
    for (const colour of [inside, outside]) assert.ok(colour.g > 230, JSON.stringify(colour));

    await answer.locator('.reference').first().hover();
    assert.deepEqual(await answer.locator('.box').evaluateAll((nodes) => nodes.map((node) => node.classList.contains('lit'))), [true, false]);
    await page.mouse.move(frame.x + 160 * scale, frame.y + 10 * scale);
    await page.waitForSelector('.box-tag:not([hidden])');
    assert.equal(await answer.locator('.box-tag').textContent(), 'a dog');
    assert.match(await answer.locator('.box-list').innerText(), /not a box: it has 1 numbers, not 4/);
    await answer.locator('.box-list button').first().click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '[20, 20, 100, 80]');
    await answer.getByText('Copy all as JSON').click();
    assert.equal(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).length, 2);
    await close();
  });

  test('shows a photo that was taken sideways as the model sees it, so that its boxes lie right', async () => {
    const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 100 } });
    await addToRequests(page, { guided_choice: ['<|ref|>a<|/ref|><|det|>[[0, 0, 999, 500]]<|/det|>'] });
    await drop(page, [{ name: 'sideways.jpg', type: 'image/jpeg', bytes: imageBytes('exif6_320x200.jpg') }]);
    const answer = await ask(page, 'a', 'locate');
    const { width, height } = await answer.locator('.picture-frame img').boundingBox();
    assert.deepEqual([width, height], [320, 200]);
    assert.equal(await answer.locator('svg.boxes').getAttribute('viewBox'), '0 0 320 200');
    assert.match(await answer.locator('.box-list').innerText(), /\[0, 0, 320, 100\]/);
    await close();
  });

  test('shows what a model writes as text, never as markup', async () => {
    const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 300 } });
    const text = '## Hi <img src=x onerror=alert(1)>\n\n- [a](javascript:alert(1))\n- [b](https://example.org/)';
    await addToRequests(page, { guided_choice: [text] });
    const answer = await ask(page, '<script>alert(1)</script>');
    assert.equal(await answer.locator('h4').innerText(), 'Hi <img src=x onerror=alert(1)>');
    const links = await answer.locator('a').evaluateAll((nodes) => nodes.map((node) => [node.href, node.rel]));
    assert.deepEqual(links, [['https://example.org/', 'noopener noreferrer']]);
    assert.equal(await page.locator('.user .words').innerText(), '<script>alert(1)</script>');
    assert.equal(await page.locator('.message img, .message script').count(), 0);
    await close();
  });

  test('shows an answer while it comes, stops it, and keeps what has come', async () => {
    const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 4000 } });
    await addToRequests(page, { ignore_eos: true });
    await haltInAnswer(page, server);
    await page.click('#stop');
    const answer = await ended(page);
    assert.equal(await answer.getAttribute('data-state'), 'stopped');
    assert.match(await answer.innerText(), /Stopped\./);
    assert.ok((await answer.locator('.text').innerText()).length > 0);
    server.signal('SIGCONT');
    await page.waitForFunction(async () => (await (await fetch('load')).json()).running === 0);
    await close();
  });

  test('has the conversation again after a reload, and in the list', async () => {
    const { page, close } = await openPage(browser, server.url, { settings: { max_tokens: 200 } });
    await addToRequests(page, { guided_choice: [boxesText] });
    await drop(page, [scene, { ...scene, name: 'second.png' }]);
    const before = await (await ask(page, 'Where is the cat?', 'grounded_caption')).innerText();
    await page.reload();
    await page.waitForSelector('.assistant .box');
    assert.equal(await page.locator('.assistant').innerText(), before);
    assert.equal(await page.locator('.user img').count(), 2);
    await page.click('#new-chat');
    assert.equal(await page.locator('.message').count(), 0);
    await page.click('#history-list .entry');
    await page.waitForSelector('.assistant .box');
    await page.click('#clear-history');
    await page.click('#confirm-dialog .danger');
    await page.waitForFunction(() => document.querySelectorAll('.message, #history-list li').length === 0);
    await close();
  });

  test('takes pictures by paste, from files and from the camera, and lets them go', async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.setInputFiles('#file-input', [{ name: 'file.png', mimeType: 'image/png', buffer: scene.bytes }]);
    await page.evaluate((base64) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], 'pasted.png', { type: 'image/png' }));
      document.querySelector('#question').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, scene.bytes.toString('base64'));
    await page.click('#camera-button');
    await page.waitForFunction(() => document.querySelector('#camera-view').videoWidth > 0);
    await page.click('#camera-shutter');
    await page.waitForFunction(() => document.querySelectorAll('.attachment').length === 3);
    assert.deepEqual((await page.locator('.attachment .name').allInnerTexts()).sort(), ['camera.jpg', 'file.png', 'pasted.png']);
    await page.waitForSelector('#plan .warning'); // three pictures are seen coarsely
    await page.click('.attachment button >> nth=0');
    assert.equal(await page.locator('.attachment').count(), 2);
    await close();
  });

  test('goes without a mouse', async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'question');
    await page.keyboard.type('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    assert.equal(await page.inputValue('#question'), 'one\ntwo');
    await page.keyboard.press('Enter');
    await ended(page);
    await page.waitForFunction(() => document.querySelector('#announcements').textContent.startsWith('Answer:'));
    await page.focus('#open-settings');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.closest('#settings-panel'));
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'open-settings');
    await close();
  });
});
