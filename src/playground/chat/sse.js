// Server-sent events, as the API streams them.

/**
 * Takes a stream's text piece by piece, cut anywhere, and gives the data of the events that each piece completes. Comments (the
 * server's sign of life) and other fields are left out.
 */
export class EventReader {
  #rest = '';
  #data = [];

  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      if (line === '' && this.#data.length > 0) events.push(this.#data.splice(0).join('\n'));
      const field = line.match(/^data(?:: ?(.*))?$/s);
      if (field) this.#data.push(field[1] ?? '');
    }
    return events;
  }
}
