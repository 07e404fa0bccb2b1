import path from 'node:path';

/** The folder of the sources, and the program under test. */
export const sourceDir = process.env.SPYHOP_SOURCE_DIR ?? path.resolve('../..');
export const binary = process.env.SPYHOP_BINARY ?? path.join(sourceDir, 'build/spyhop');
