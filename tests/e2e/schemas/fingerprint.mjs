// What openai.schema.json is made of.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const packageLock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));

/** Changes with the versions of SDK and generator, with types.ts and with generate.mjs. */
export function sourceFingerprint() {
  const hash = createHash('sha256');
  for (const name of ['openai', 'typescript-json-schema', 'typescript']) {
    hash.update(`${name} ${packageLock.packages[`node_modules/${name}`].version}\n`);
  }
  for (const file of ['types.ts', 'generate.mjs']) hash.update(readFileSync(new URL(file, import.meta.url)));
  return hash.digest('hex');
}
