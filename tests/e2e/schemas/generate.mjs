// Writes openai.schema.json: JSON schemas of the OpenAI SDK's own types. Run it where the packages are installed:
//   cd build/e2e && node schemas/generate.mjs ../../tests/e2e/schemas/openai.schema.json
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import * as TJS from 'typescript-json-schema';
import { sourceFingerprint } from './fingerprint.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = TJS.getProgramFromFiles([path.join(here, 'types.ts')], {
  module: 'node16',
  moduleResolution: 'node16',
  skipLibCheck: true,
  strictNullChecks: true,
  target: 'es2022',
  types: [],
});
const schema = TJS.generateSchema(program, 'Bodies', { required: true, ref: true, ignoreErrors: true });
if (!schema) throw new Error('no schema could be made of types.ts');

// The SDK adds this one itself.
for (const definition of Object.values(schema.definitions)) {
  if (definition.required?.includes('output_text')) {
    definition.required = definition.required.filter((name) => name !== 'output_text');
  }
}

// The generator names definitions by the files they are in.
const names = new Map();
for (const name of Object.keys(schema.definitions)) {
  const plain = name.replace(/^.*\)\./, '').replace(/[^\w.]+/g, '_');
  const taken = new Set(names.values());
  let unique = plain;
  for (let number = 2; taken.has(unique); ++number) unique = `${plain}_${number}`;
  names.set(name, unique);
}
// `string & {}`, which keeps an editor's completion of a union's members, comes out as an object that is a string too.
const isEmptyObject = (value) => value?.type === 'object' && Object.keys(value.properties ?? { some: 1 }).length === 0;
const isOpenString = (value) => value?.allOf?.length === 2 && value.allOf.some(isEmptyObject) && value.allOf.some(({ type }) => type === 'string');
const renamed = (value) => {
  if (Array.isArray(value)) return value.map(renamed);
  if (isOpenString(value)) return { type: 'string' };
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'description');
  return Object.fromEntries(
    entries.map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string') return [key, renamed(inner)];
      return [key, `#/definitions/${names.get(decodeURIComponent(inner.slice('#/definitions/'.length)))}`];
    }),
  );
};
const definitions = Object.fromEntries(Object.entries(schema.definitions).map(([name, inner]) => [names.get(name), renamed(inner)]));
const lines = Object.entries(definitions).map(([name, inner]) => `${JSON.stringify(name)}: ${JSON.stringify(inner)}`);
const head = JSON.stringify({ $comment: sourceFingerprint(), ...renamed({ ...schema, definitions: undefined }) });
const text = `${head.slice(0, -1)},\n"definitions": {\n${lines.join(',\n')}\n}}\n`;
writeFileSync(process.argv[2] ?? path.join(here, 'openai.schema.json'), text);
