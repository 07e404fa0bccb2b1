// Models that come and go in one server, by the commands of somebody who knows xinference.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { checkpointOf } from './golden.mjs';
import { startHub } from './hub.mjs';
import { binary, sourceDir } from './paths.mjs';
import { collect, runAtTerminal, runProgram, Server, sleep, webServer } from './support.mjs';

const golden = path.join(sourceDir, 'tests/golden');
const photo = path.join(golden, 'images/exif6_320x200.jpg');
const tiny = ['--model-name', 'deepseek-vl2', '--size-in-billions', '3'];
const documented = (size) =>
  `launch --model-engine transformers --model-name deepseek-vl2 --size-in-billions ${size} --model-format pytorch ` +
  '--quantization none';
const localModel = (family, more = []) => ['launch', '--model-path', checkpointOf(family), '--compute', 'f32', ...more];
const bytesOf = (folder) => readdirSync(folder).reduce((sum, name) => sum + readFileSync(path.join(folder, name)).length, 0);
const question = [{ role: 'user', content: 'Hello.' }];

let hub;
let home;
let server;
const environment = () => ({ ...process.env, HOME: home, HF_ENDPOINT: hub.url, MODELSCOPE_ENDPOINT: hub.url });
const remote = () => ({ ...environment(), XINFERENCE_ENDPOINT: server.url });
const run = (args, options) => runProgram(args, { env: remote(), ...options });
/** [{uid, status}], by the API: a command takes half a second. */
const listed = async () =>
  (await (await fetch(`${server.url}/v1/models/instances`)).json()).map((model) => ({ uid: model.model_uid, status: model.status }));
const terminateAll = async () => {
  for (const { uid } of await listed()) await fetch(`${server.url}/v1/models/${uid}`, { method: 'DELETE' });
};

before(async () => {
  hub = await startHub();
  home = mkdtempSync(path.join(os.tmpdir(), 'spyhop-lifecycle-'));
  server = await Server.start(['serve', '--port', '0', '--allow-model-path', golden], { env: environment() });
});
after(async () => {
  await server.stop();
  await hub.close();
  rmSync(home, { recursive: true });
});
beforeEach(async () => {
  Object.assign(hub, { sent: 0, fetched: [], settings: { token: null, msPerPiece: 0 } });
  await terminateAll();
});

describe('launch into a running server', () => {
  for (const size of [27, 16, 3]) {
    test(`the documented command, ${size} billions`, async () => {
      const { code, stdout, stderr } = await run(documented(size).split(' '));
      assert.equal(code, 0, stderr);
      assert.equal(stdout, 'Model uid: deepseek-vl2\n');
      assert.match(stderr, /Launching model: 100% ready/);
      const answer = await server.client().chat.completions.create({ model: 'deepseek-vl2', messages: question, max_tokens: 2 });
      assert.equal(answer.model, 'deepseek-vl2');
      const table = (await run(['list'])).stdout;
      assert.match(table, new RegExp(`^deepseek-vl2 +LLM +deepseek-vl2 +pytorch +${size} +none +READY$`, 'm'));
    });
  }

  test('under the name of xinference, with its short options', async () => {
    const link = path.join(home, 'xinference');
    symlinkSync(binary, link);
    const args = ['launch', '-en', 'Transformers', '-n', 'deepseek-vl2', '-s', '3', '-f', 'pytorch', '-q', 'none', '-u', 'mine'];
    const more = ['-r', '1', '--n-gpu', 'auto', '--trust-remote-code', 'true', '-e', server.url, '-ak', 'unused'];
    const { code, stdout, stderr } = await run([...args, ...more], { command: link, env: environment() });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'Model uid: mine\n');
    assert.match(stderr, /--trust-remote-code is ignored: /);
  });

  test('two at once answer at the same time, each under its name', async () => {
    assert.equal((await run(localModel('mini-tiny', ['--model-name', 'one']))).stdout, 'Model uid: one\n');
    const second = JSON.parse((await run(localModel('mini-base', ['--model-name', 'one', '--json']))).stdout);
    assert.match(second.model_uid, /^one-[A-Za-z0-9]{8}$/);
    const ask = (model) =>
      server.client().chat.completions.create({ model, messages: question, max_tokens: 100, ignore_eos: true, temperature: 0 });
    const alone = [await ask('one'), await ask(second.model_uid)];
    const together = await Promise.all([ask('one'), ask(second.model_uid), ask('one')]);
    assert.notEqual(alone[0].choices[0].message.content, alone[1].choices[0].message.content);
    assert.deepEqual(
      together.map(({ choices }) => choices[0].message.content),
      [alone[0], alone[1], alone[0]].map(({ choices }) => choices[0].message.content),
    );
    const nameless = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ messages: question }) });
    assert.equal(nameless.status, 400);
  });

  const refused = [
    ['an unknown model', ['launch', '-n', 'deepseek-vl3'], /no model is named "deepseek-vl3".*deepseek-vl2/],
    ['two replicas', ['launch', ...tiny, '-r', '2'], /replica/],
    ['adapters', ['launch', ...tiny, '-lm', 'name', '/path'], /--lora-modules cannot be honoured: .*merge/],
    ["a server's flag", ['launch', ...tiny, '--port', '1'], /--port is a setting of a server/],
    ['an unknown flag', ['launch', ...tiny, '--max-num-seq', '2'], /the nearest is --max-num-seqs/],
    ['a folder that is not allowed', ['launch', '--model-path', '/usr/share'], /--allow-model-path/],
    ['no server', ['launch', ...tiny, '-e', 'http://127.0.0.1:1'], /no server answers at http:\/\/127\.0\.0\.1:1/],
  ];
  for (const [what, args, expected] of refused) {
    test(`${what} is refused with an exit status`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.match(stderr, expected);
      assert.deepEqual(await listed(), []);
    });
  }

  test('a launch that fails has an exit status, and is listed with its reason until it is terminated', async () => {
    hub.settings.token = 'hf_secret';
    const { code, stdout, stderr } = await run(['launch', ...tiny, '--model-src', 'huggingface', '--revision', 'v9']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /deepseek-vl2 could not be launched: .*no revision "v9"/);
    const [model] = JSON.parse((await run(['list', '--json'])).stdout);
    assert.deepEqual([model.id, model.status], ['deepseek-vl2', 'ERROR']);
    assert.equal((await run(['terminate', '-u', 'deepseek-vl2'])).code, 0);
    assert.deepEqual(await listed(), []);
  });

  test('what does not fit beside the others is refused with what could go', async () => {
    await run(localModel('mini-tiny', ['-u', 'small']));
    const { code, stderr } = await run(['launch', '--load-format', 'dummy', '-s', '3', '--kv-cache-memory', '100TiB', '-u', 'large']);
    assert.equal(code, 1);
    assert.match(stderr, /large could not be launched: [\s\S]*terminate a model that is loaded: small \(/);
  });
});

describe('Ctrl-C during a launch', () => {
  const fresh = () => rmSync(path.join(home, '.cache'), { recursive: true, force: true });
  async function startSlowly() {
    fresh();
    hub.settings.msPerPiece = 30;
    const child = spawn(binary, ['launch', ...tiny], { env: remote(), stdio: 'ignore' });
    while (hub.sent < 300_000) await sleep(5);
    return child;
  }

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    test(`${signal} cancels it and leaves only what has been downloaded`, async () => {
      const child = await startSlowly();
      child.kill(signal);
      assert.equal(await new Promise((resolve) => child.on('close', resolve)), code);
      while ((await listed()).length > 0) await sleep(20);
      const total = bytesOf(checkpointOf('mini-tiny'));
      hub.settings.msPerPiece = 0;
      assert.equal((await run(['launch', ...tiny])).code, 0);
      assert.ok(hub.sent < total * 1.5, `${hub.sent} of ${total} bytes: the second launch went on with the first's files`);
    });
  }

  test('at a terminal it asks first', async () => {
    fresh();
    hub.settings.msPerPiece = 30;
    const answers = [
      [/downloading/, '\x03'],
      [/Cancel the launch of deepseek-vl2\? \[y\/N\] /, 'n\n'],
      [/downloading/, '\x03'],
      [/Cancel the launch of deepseek-vl2\? \[y\/N\] /, 'y\n'],
    ];
    const { code, shown } = await runAtTerminal(['launch', ...tiny], answers, { env: remote() });
    assert.equal(code, 130, shown);
    assert.match(shown, /The launch of deepseek-vl2 is cancelled/);
    while ((await listed()).length > 0) await sleep(20);
  });
});

describe('terminate', () => {
  const stream = (maxTokens) =>
    server.client().chat.completions.create({ model: 'm', messages: question, stream: true, max_tokens: maxTokens, ignore_eos: true });

  test('lets running answers end and refuses new ones', async () => {
    await run(localModel('mini-tiny', ['-u', 'm']));
    const answer = collect(await stream(1500));
    const ended = run(['terminate', '--model-uid', 'm']);
    while ((await listed())[0]?.status === 'READY') await sleep(5);
    const refused = await server
      .client()
      .chat.completions.create({ model: 'm', messages: question })
      .catch((error) => error);
    assert.equal(refused.status, 404);
    assert.equal((await answer).choices[0].reason, 'length');
    assert.equal((await ended).code, 0);
    assert.deepEqual(await listed(), []);
  });

  test('of what there is not has an exit status', async () => {
    const { code, stderr } = await run(['terminate', '--model-uid', 'nothing']);
    assert.equal(code, 1);
    assert.match(stderr, /there is no model "nothing"; none is loaded/);
  });
});

describe('chat', () => {
  beforeEach(() => run(localModel('mini-tiny', ['-u', 'm'])));

  test('keeps the history, line by line', async () => {
    const args = ['chat', '--model-uid', 'm', '--max_tokens', '4', '--temperature', '0', '--json'];
    const { code, stdout, stderr } = await run(args, { input: 'Hello.\nAnd now?\n/clear\nHello.\n' });
    assert.equal(code, 0, stderr);
    const answers = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(answers.length, 3);
    assert.ok(answers[1].usage.prompt_tokens > answers[0].usage.prompt_tokens + 4);
    assert.deepEqual(answers[2].content, answers[0].content);
    assert.equal(answers[2].usage.prompt_tokens, answers[0].usage.prompt_tokens);
  });

  test('shows images', async () => {
    const args = ['chat', '--max_tokens', '4', '--json', '--image', photo];
    const { code, stdout, stderr } = await run(args, { input: `What is it?\n/image ${photo}\nAnd this?\n` });
    assert.equal(code, 0, stderr);
    const tokens = stdout.trim().split('\n').map((line) => JSON.parse(line).usage.prompt_tokens_details.image_tokens);
    assert.ok(tokens[0] > 0);
    assert.equal(tokens[1], 2 * tokens[0]);
  });

  test('at a terminal, as the answer comes', async () => {
    const answers = [
      [/User: /, 'Hello.\n'],
      [/Assistant: [\s\S]*User: /, '/exit\n'],
    ];
    const { code, shown } = await runAtTerminal(['chat', '--max_tokens', '4', '--stream', 'False'], answers, { env: remote() });
    assert.equal(code, 0, shown);
  });

  for (const [what, args, input, expected] of [
    ['an unknown model', ['-u', 'x'], 'Hi\n', /"x" is not served here; allowed: "m"/],
    ['a missing image', ['--image', '/no/such.png'], 'Hi\n', /such\.png/],
    ['a file that is no image', ['--image', path.join(golden, 'manifest.json')], 'Hi\n', /is no image; allowed: PNG/],
    ['an unknown word', [], '/imgae x.png\n/help\n', /there is no \/help; allowed: \/image/],
  ]) {
    test(`${what} has an exit status`, async () => {
      const { code, stderr } = await run(['chat', '--max_tokens', '2', ...args], { input });
      assert.equal(code, 1);
      assert.match(stderr, expected);
    });
  }
});

describe('generate', () => {
  test('goes on with each line, as it comes', async () => {
    const asked = [];
    const other = await webServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      asked.push([request.method, request.url, request.headers.authorization, JSON.parse(body)]);
      const event = (choice, more = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }], ...more })}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ text: ' time' }) + event({ text: ' there' }).slice(0, 20));
      await sleep(20);
      response.end(event({ text: ' there' }).slice(20) + event({ text: '', finish_reason: 'stop' }) + 'data: [DONE]\n\n');
    });
    const args = ['generate', '-u', 'm', '--max_tokens', '3', '-e', other.url, '-ak', 'key'];
    const { code, stdout, stderr } = await run(args, { input: 'Once upon a\n' });
    await other.close();
    assert.equal(code, 0, stderr);
    assert.equal(stdout, ' time there\n');
    const [[method, route, key, body]] = asked;
    assert.deepEqual([method, route, key], ['POST', '/v1/completions', 'Bearer key']);
    assert.deepEqual([body.model, body.prompt, body.max_tokens, body.stream], ['m', 'Once upon a', 3, true]);
  });
});

describe('models of a running server', () => {
  test('are registered, listed and forgotten', async () => {
    const spec = { model_format: 'pytorch', model_size_in_billions: 3, model_uri: `file://${checkpointOf('mini-tiny')}` };
    const abilities = ['chat', 'vision'];
    const entry = { model_name: 'tuned', context_length: 4096, model_lang: ['en'], model_ability: abilities, model_specs: [spec] };
    const file = path.join(home, 'tuned.json');
    writeFileSync(file, JSON.stringify(entry));
    assert.match((await run(['register', '-f', file])).stdout, /tuned is registered at http/);
    assert.match((await run(['registrations'])).stdout, /^LLM +tuned +en +chat, vision +False$/m);
    assert.equal((await run(['launch', '-n', 'tuned', '-en', 'transformers'])).stdout, 'Model uid: tuned\n');
    assert.equal((await run(['unregister', '-n', 'tuned'])).code, 0);
    assert.equal((await run(['unregister', '-n', 'tuned'])).code, 1);
  });
});

describe('a server ends', () => {
  const start = (args = [], command = []) =>
    Server.start([...(command.length ? command : ['serve']), '--port', '0', '--allow-model-path', golden, ...args], { env: environment() });
  const launch = (other, args) => run([...args, '-e', other.url], { env: environment() });

  test('by stop-cluster, letting running answers end', async () => {
    const other = await start();
    await launch(other, localModel('mini-tiny', ['-u', 'm']));
    const answer = collect(
      await other.client().chat.completions.create({ model: 'm', messages: question, stream: true, max_tokens: 1000, ignore_eos: true }),
    );
    const { code, stdout } = await run(['stop-cluster', '-e', other.url]);
    assert.equal(code, 0);
    assert.match(stdout, /ends once its running answers have/);
    assert.equal((await answer).choices[0].reason, 'length');
    assert.equal((await other.exit()).code, 0);
    assert.equal((await run(['list', '-e', other.url])).code, 1);
  });

  test('by SIGTERM in the middle of a launch', async () => {
    rmSync(path.join(home, '.cache'), { recursive: true, force: true });
    hub.settings.msPerPiece = 50;
    const other = await start([], ['xinference-local', '-H', '127.0.0.1']);
    const launched = launch(other, ['launch', ...tiny]);
    while (hub.sent < 200_000) await sleep(5);
    assert.equal((await other.stop()).code, 0);
    assert.notEqual((await launched).code, 0);
  });

  test('what changes it needs the admin key, where there is one', async () => {
    const other = await start(['--api-key', 'reader', '--admin-api-key', 'owner']);
    const model = localModel('mini-tiny', ['-u', 'm', '-e', other.url]);
    for (const [key, status] of [['reader', 1], ['wrong', 1], ['owner', 0]]) {
      assert.equal((await run([...model, '--api-key', key], { env: environment() })).code, status, key);
    }
    const chat = (key) => run(['chat', '-e', other.url, '-ak', key, '--max_tokens', '1'], { input: 'Hi\n' });
    assert.equal((await chat('reader')).code, 0);
    assert.equal((await chat('owner')).code, 0);
    assert.equal((await chat('wrong')).code, 1);
    assert.equal((await run(['stop-cluster', '-e', other.url, '-ak', 'reader'])).code, 1);
    assert.equal((await run(['stop-cluster', '-e', other.url, '-ak', 'owner', '--json'])).code, 0);
    assert.equal((await other.exit()).code, 0);
  });
});
