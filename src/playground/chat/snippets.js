// A request as a program: in the shell, in Python and in JavaScript. Pictures are read from files of their names; the key comes
// from the environment, never from the page.

export const languages = ['curl', 'Python', 'JavaScript'];

// No text of a user or a model can be taken for a placeholder by chance, nor by intent.
const mark = `picture-${Math.random().toString(36).slice(2)}-`;
const placeholder = new RegExp(`"${mark}(\\d+)"`, 'g');

/** Stands for a picture's URL in a body until a snippet has it read. */
export const placeholderOf = (index) => `${mark}${index}`;

/** Fields that are not OpenAI's: its SDK for Python takes them apart from the others. */
const ownFields = new Set(['task', 'auto_detail', 'include_metrics', 'top_k', 'min_p', 'repetition_penalty']);

/**
 * `body`: of a chat request, with placeholders for pictures; `pictures`: [{name, type}]; `baseUrl`: such as
 * http://127.0.0.1:9997/v1; `hasKey`: whether the server asks for one.
 */
export function snippetOf(language, request) {
  return { curl: curlSnippet, Python: pythonSnippet, JavaScript: javaScriptSnippet }[language](request);
}

const inShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const json = (value, indent) => JSON.stringify(value, null, indent);

/** A file's name as a path that no program takes for an option. */
const pathOf = ({ name }) => (name.startsWith('-') ? `./${name}` : name);
const prefixOf = ({ type }) => `data:${type};base64,`;

function curlSnippet({ body, pictures, baseUrl, hasKey }) {
  const text = json(body, 2);
  const options = ["-H 'Content-Type: application/json'", ...(hasKey ? ['-H "Authorization: Bearer $SPYHOP_API_KEY"'] : [])];
  const command = `curl -sN ${inShell(`${baseUrl}/chat/completions`)} \\\n  ${options.join(' \\\n  ')}`;
  if (pictures.length === 0) return `${command} \\\n  -d ${inShell(text)}\n`;
  const pieces = text.split(placeholder);
  const steps = pieces.map((piece, i) => {
    if (i % 2 === 1) return `base64 < ${inShell(pathOf(pictures[piece]))} | tr -d '\\n'`;
    const before = i > 0 ? '"' : '';
    const after = i + 1 < pieces.length ? `"${prefixOf(pictures[pieces[i + 1]])}` : '';
    return `printf %s ${inShell(before + piece + after)}`;
  });
  return `{\n  ${steps.join('\n  ')}\n} | ${command} \\\n  --data-binary @-\n`;
}

/** A JSON value as Python writes it; `indent` is that of its line. */
function inPython(value, pictures, indent = '') {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') {
    if (!value.startsWith(mark)) return json(value);
    const picture = pictures[value.slice(mark.length)];
    return `picture(${json(pathOf(picture))}, ${json(picture.type)})`;
  }
  if (typeof value !== 'object') return json(value);
  const inner = `${indent}    `;
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => inPython(item, pictures, inner))
    : Object.entries(value).map(([name, item]) => `${json(name)}: ${inPython(item, pictures, inner)}`);
  const [open, close] = isList ? '[]' : '{}';
  const line = `${open}${items.join(', ')}${close}`;
  if (line.length + indent.length < 90 && !line.includes('\n')) return line;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}${close}`;
}

function pythonSnippet({ body, pictures, baseUrl, hasKey }) {
  const own = Object.entries(body).filter(([name]) => ownFields.has(name));
  const fields = Object.entries(body).filter(([name]) => !ownFields.has(name));
  if (own.length > 0) fields.push(['extra_body', Object.fromEntries(own)]);
  const key = hasKey ? 'os.environ["SPYHOP_API_KEY"]' : '"none"';
  return [
    ...(pictures.length > 0 ? ['import base64'] : []),
    ...(hasKey ? ['import os'] : []),
    'from openai import OpenAI',
    '',
    ...(pictures.length > 0
      ? ['', 'def picture(path, media_type):', '    data = base64.b64encode(open(path, "rb").read()).decode()',
        '    return f"data:{media_type};base64,{data}"', '', '']
      : []),
    `client = OpenAI(base_url=${json(baseUrl)}, api_key=${key})`,
    'stream = client.chat.completions.create(',
    ...fields.map(([name, value]) => `    ${name}=${inPython(value, pictures, '    ')},`),
    ')',
    'for chunk in stream:',
    '    for choice in chunk.choices:',
    '        print(choice.delta.content or "", end="", flush=True)',
    '',
  ].join('\n');
}

function javaScriptSnippet({ body, pictures, baseUrl, hasKey }) {
  const text = json(body, 2).replace(placeholder, (_, index) => {
    const picture = pictures[index];
    return `picture(${json(pathOf(picture))}, ${json(picture.type)})`;
  });
  const key = hasKey ? 'process.env.SPYHOP_API_KEY' : '"none"';
  return [
    ...(pictures.length > 0 ? ['import { readFileSync } from "node:fs";'] : []),
    'import OpenAI from "openai";',
    '',
    ...(pictures.length > 0
      ? ['const picture = (path, type) => `data:${type};base64,${readFileSync(path, "base64")}`;', '']
      : []),
    `const client = new OpenAI({ baseURL: ${json(baseUrl)}, apiKey: ${key} });`,
    `const stream = await client.chat.completions.create(${text});`,
    'for await (const chunk of stream) {',
    '  process.stdout.write(chunk.choices[0]?.delta.content ?? "");',
    '}',
    '',
  ].join('\n');
}
