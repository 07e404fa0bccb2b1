// README.md as its readers take it: every curl example is run as it stands, and every flag it names exists, and vice versa.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sourceDir } from './paths.mjs';
import { runProgram, Server } from './support.mjs';

const readme = readFileSync(path.join(sourceDir, 'README.md'), 'utf8');
const documentedAddress = 'http://127.0.0.1:9997';

describe('examples', () => {
  let server;
  before(async () => (server = await Server.launch()));
  after(() => server.stop());

  const blocksOf = (language) =>
    [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text.trim());
  const curls = blocksOf('bash').filter((block) => /^(curl|\w+=\$\(.*\)\ncurl)/.test(block));
  test('there are some', () => assert.ok(curls.length >= 4, `${curls.length}`));

  for (const [number, example] of curls.entries()) {
    test(`curl ${number + 1}`, async () => {
      assert.ok(example.includes(documentedAddress));
      const script = example.replaceAll(documentedAddress, server.url);
      const { code, stdout, stderr } = await runProgram(['-ec', script], { command: 'bash', cwd: sourceDir });
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout, /"error":\s*\{/);
      if (example.includes('"stream": true')) assert.match(stdout, /data: \[DONE\]\s*$/);
      else if (example.includes('chat/completions')) assert.ok(JSON.parse(stdout).choices[0].message.content.length > 0);
      else JSON.parse(stdout);
    });
  }

  test('the OpenAI SDK for Node.js', async () => {
    const [example, ...others] = blocksOf('js');
    assert.equal(others.length, 0);
    const photo = path.join(sourceDir, 'tests/golden/images/exif6_320x200.jpg');
    const script = example.replace(documentedAddress, server.url).replace("'photo.jpg'", JSON.stringify(photo));
    const { code, stdout, stderr } = await runProgram(['--input-type=module', '-e', script], { command: 'node' });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /image_tokens: 421/);
  });
});

describe('commands', () => {
  const flagsIn = (text) => [...new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => flag))].sort();
  const sections = new Map(
    [...readme.matchAll(/^### `spyhop ([a-z -]+)`.*\n([\s\S]*?)(?=^##)/gm)].map(([, name, text]) => [name, text]),
  );
  const helpOf = async (command) => (await runProgram([...command.filter(Boolean), '--help'])).stdout;

  /** The commands below `command` that can be run: those without commands below them. */
  async function commandsBelow(command = []) {
    const below = (await helpOf(command)).split('Subcommands:\n')[1] ?? '';
    const names = [...below.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name);
    if (names.length === 0) return [command.join(' ')];
    return (await Promise.all(names.map((name) => commandsBelow([...command, name])))).flat();
  }

  test('are those that the program has', async () => {
    assert.deepEqual([...sections.keys()].sort(), (await commandsBelow()).sort());
  });

  for (const [command, text] of sections) {
    test(`spyhop ${command} has the flags of its table`, async () => {
      const rows = text.split('\n').filter((line) => line.startsWith('| `'));
      const documented = flagsIn(rows.map((row) => row.split('|')[1]).join('\n'));
      const help = await helpOf(command.split(' '));
      const existing = flagsIn(
        help
          .split('\n')
          .map((line) => line.match(/^\s+(-[^ ]*)/)?.[1] ?? '')
          .join('\n'),
      );
      assert.deepEqual(
        documented,
        existing.filter((flag) => flag !== '--help'),
      );
    });
  }
});
