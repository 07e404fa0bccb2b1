// Conversations, pictures included, in the browser's own database. Where there is none, as in some private windows, they last as
// long as the page.

const databaseName = 'spyhop';
const storeName = 'conversations';

export class History {
  #database = null;
  #memory = new Map();

  /** Opens it. Never fails: `isKept` says whether anything outlives the page. */
  static async open() {
    const history = new History();
    try {
      history.#database = await openDatabase();
    } catch {
      // forbidden or broken
    }
    return history;
  }

  get isKept() {
    return this.#database !== null;
  }

  /** [{id, title, updated}], the latest first. */
  async list() {
    const all = await this.#run('readonly', (store) => store.getAll(), () => [...this.#memory.values()]);
    return all.map(({ id, title, updated }) => ({ id, title, updated })).sort((a, b) => b.updated - a.updated);
  }

  get(id) {
    return this.#run('readonly', (store) => store.get(id), () => this.#memory.get(id));
  }

  save(conversation) {
    return this.#run('readwrite', (store) => store.put(conversation), () => this.#memory.set(conversation.id, conversation));
  }

  remove(id) {
    return this.#run('readwrite', (store) => store.delete(id), () => this.#memory.delete(id));
  }

  clear() {
    return this.#run('readwrite', (store) => store.clear(), () => this.#memory.clear());
  }

  async #run(mode, act, actInMemory) {
    if (!this.#database) return actInMemory();
    try {
      return await resultOf(act(this.#database.transaction(storeName, mode).objectStore(storeName)));
    } catch {
      this.#database = null; // full or gone: the page goes on without
      return actInMemory();
    }
  }
}

function openDatabase() {
  const opening = indexedDB.open(databaseName, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName, { keyPath: 'id' });
  return resultOf(opening);
}

function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('the database is in use'));
  });
}
