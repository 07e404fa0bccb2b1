// What the browser remembers between visits. Where storage is forbidden, all of it lasts as long as the page.

const memory = new Map();

function storageOf(kind) {
  try {
    return globalThis[kind];
  } catch {
    return null;
  }
}

export function recall(name, fallback = null, kind = 'localStorage') {
  try {
    const text = storageOf(kind)?.getItem(`spyhop.${name}`) ?? memory.get(`${kind}.${name}`);
    return text === undefined || text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function remember(name, value, kind = 'localStorage') {
  const text = JSON.stringify(value);
  memory.set(`${kind}.${name}`, text);
  try {
    storageOf(kind)?.setItem(`spyhop.${name}`, text);
  } catch {
    // full or forbidden
  }
}

export function forget(name, kind = 'localStorage') {
  memory.delete(`${kind}.${name}`);
  try {
    storageOf(kind)?.removeItem(`spyhop.${name}`);
  } catch {
    // forbidden
  }
}

/** The key for the server: for this visit, or kept on this device. */
export const keyStore = {
  get: () => recall('key', '', 'sessionStorage') || recall('key', ''),
  isKept: () => recall('key', '') !== '',
  set(key, keep) {
    forget('key');
    forget('key', 'sessionStorage');
    if (key) remember('key', key, keep ? 'localStorage' : 'sessionStorage');
  },
};
