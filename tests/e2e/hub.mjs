// Both hubs' protocols over one web server, with the miniature checkpoints under the real names.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkpointOf } from './golden.mjs';
import { sleep, webServer } from './support.mjs';

const families = {
  'deepseek-ai/deepseek-vl2': 'mini-base',
  'deepseek-ai/deepseek-vl2-small': 'mini-small',
  'deepseek-ai/deepseek-vl2-tiny': 'mini-tiny',
};
export const commit = 'feedfacefeedfacefeedfacefeedfacefeedface';

const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const gitBlob = (content) => createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

function filesOf(family) {
  const folder = checkpointOf(family);
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]));
  files.set('README.md', Buffer.from('# Not needed'));
  files.set('.gitattributes', Buffer.from('*.safetensors filter=lfs'));
  return files;
}

/**
 * {url, close(), sent: bytes of files sent, fetched: names of files asked for, settings}. The settings can be changed at any time:
 * token (asked for with every file, and the only one that belongs to somebody), msPerPiece (a pause after every
 * 64 KiB), isHeld (no more is sent while it is true).
 */
export async function startHub() {
  const hub = { sent: 0, fetched: [], settings: { token: null, msPerPiece: 0 } };
  const repositories = new Map(Object.entries(families).map(([id, family]) => [id, filesOf(family)]));

  async function sendFile(name, content, request, response) {
    hub.fetched.push(name);
    const { token, msPerPiece } = hub.settings;
    if (token && request.headers.authorization !== `Bearer ${token}`) {
      return response.writeHead(403, { 'x-error-code': 'GatedRepo' }).end();
    }
    const range = request.headers.range?.match(/^bytes=(\d+)-(\d+)$/);
    const [begin, end] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, content.length];
    const headers = { 'content-length': end - begin };
    if (range) headers['content-range'] = `bytes ${begin}-${end - 1}/${content.length}`;
    response.writeHead(range ? 206 : 200, headers);
    for (let at = begin; at < end && !response.destroyed; at += 65536) {
      const piece = content.subarray(at, Math.min(at + 65536, end));
      response.write(piece);
      hub.sent += piece.length;
      if (msPerPiece) await sleep(msPerPiece);
      while (hub.settings.isHeld && !response.destroyed) await sleep(20);
    }
    response.end();
  }

  const server = await webServer(async (request, response) => {
    const url = new URL(request.url, 'http://hub');
    const match =
      url.pathname.match(/^\/api\/models\/(?<id>[^/]+\/[^/]+)\/revision\/(?<revision>[^/]+)$/) ??
      url.pathname.match(/^\/api\/v1\/models\/(?<id>[^/]+\/[^/]+)\/repo(?<files>\/files)?$/) ??
      url.pathname.match(/^\/(?<id>[^/]+\/[^/]+)\/resolve\/(?<commit>[^/]+)\/(?<file>.+)$/);
    const files = repositories.get(match?.groups.id);
    const json = (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/') return response.end();
    const isKnown = request.headers.authorization === `Bearer ${hub.settings.token}`;
    if (url.pathname === '/api/whoami-v2') {
      if (!isKnown) return response.writeHead(401).end('{"error": "Invalid credentials"}');
      return json({ type: 'user', name: 'whale', auth: { accessToken: { displayName: 'laptop', role: 'read' } } });
    }
    if (url.pathname === '/openapi/v1/users/me') {
      if (!isKnown) return response.writeHead(401).end('{"success": false}');
      return json({ success: true, data: { username: 'whale' } });
    }
    if (!files) return response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end('{"error": "Repository not found"}');
    if (match.groups.revision) {
      if (match.groups.revision !== 'main') return response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end();
      const siblings = [...files].map(([name, content]) => ({
        rfilename: name,
        size: content.length,
        blobId: gitBlob(content),
        ...(name.endsWith('.safetensors') && { lfs: { sha256: sha256(content), size: content.length } }),
      }));
      return json({ id: match.groups.id, sha: commit, siblings });
    }
    if (match.groups.files) {
      const list = [...files].map(([name, content]) => ({
        Path: name,
        Name: name,
        Type: 'blob',
        Size: content.length,
        Sha256: sha256(content),
        Revision: commit,
      }));
      return json({ Code: 200, Success: true, Data: { Files: list } });
    }
    const name = match.groups.file ?? url.searchParams.get('FilePath');
    if (!files.has(name)) return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    return sendFile(name, files.get(name), request, response);
  });
  return Object.assign(hub, { url: server.url, close: () => server.close() });
}
