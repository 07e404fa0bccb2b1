// The page's own modules, which run without a browser where they do not touch the page.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { sourceDir } from './paths.mjs';

export const playgroundDir = path.join(sourceDir, 'src/playground');
export const load = (name) => import(pathToFileURL(path.join(playgroundDir, name)).href);
