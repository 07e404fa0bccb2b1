// The pictures that go with the next question.
import { byId, el, iconButton, svg } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { t } from '../shared/i18n.js';
import { readPicture } from './image_file.js';
import { pictureNode } from './picture_view.js';

/** They come by drop, paste, file and camera. `onChange()` is called when there are others. */
export class Attachments {
  #pictures = [];
  #uses = [];
  #list = byId('attachments');
  #problem = byId('picture-problem');
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    const input = byId('file-input');
    byId('add-pictures').addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      this.add([...input.files]);
      input.value = '';
    });
    document.addEventListener('paste', (event) => {
      const files = imageFilesOf(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      this.add(files);
    });
    this.#takeDrops();
  }

  get pictures() {
    return this.#pictures;
  }

  /** One after the other, in their order; each that is no picture is told, the others are taken. */
  async add(files) {
    this.#problem.hidden = true;
    for (const file of files) {
      try {
        this.#pictures.push(await readPicture(file));
      } catch (error) {
        this.#problem.textContent = `${file.name}: ${explain(error).sentence}`;
        this.#problem.hidden = false;
      }
      this.#draw();
    }
    this.#onChange();
  }

  /** Empties the list and gives what was in it. */
  take() {
    const taken = this.#pictures;
    this.#pictures = [];
    this.#uses = [];
    this.#problem.hidden = true;
    this.#draw();
    return taken;
  }

  /** `uses`: what the server's plan says of each, [{tiles: {cols, rows}, tokens}]; empty when nothing is known. */
  showUses(uses) {
    this.#uses = uses;
    this.#draw();
  }

  redraw() {
    this.#draw();
  }

  #draw() {
    this.#list.replaceChildren(...this.#pictures.map((picture, index) => this.#card(picture, this.#uses[index])));
  }

  #card(picture, use) {
    const remove = () => {
      this.#pictures = this.#pictures.filter((each) => each !== picture);
      this.#uses = [];
      this.#draw();
      this.#onChange();
      byId('question').focus();
    };
    const size = `${picture.width} × ${picture.height}`;
    const plan = use ? t('plan.picture', { cols: use.tiles.cols, rows: use.tiles.rows, tokens: use.tokens }) : '';
    return el('div', { class: 'attachment', role: 'listitem' },
      el('div', { class: 'thumb' }, pictureNode(picture), use && tileGrid(use.tiles)),
      el('div', { class: 'about' }, el('span', { class: 'name', textContent: picture.name }),
        el('span', { class: 'note', textContent: size }), plan && el('span', { class: 'note', textContent: plan })),
      iconButton('close', t('pictures.remove', { name: picture.name }), remove));
  }

  #takeDrops() {
    const hint = byId('drop-hint');
    let depth = 0; // entering a child comes before leaving its parent
    const show = (change) => {
      depth = change === 0 ? 0 : Math.max(depth + change, 0);
      hint.hidden = depth === 0;
    };
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    addEventListener('dragenter', (event) => hasFiles(event) && show(1));
    addEventListener('dragleave', (event) => hasFiles(event) && show(-1));
    addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
    addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      show(0);
      this.add([...event.dataTransfer.files]);
    });
  }
}

function imageFilesOf(transfer) {
  return [...(transfer?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
}

/** How the model cuts the picture: the lines between its tiles. */
function tileGrid({ cols, rows }) {
  const lines = [];
  for (let col = 1; col < cols; ++col) lines.push(svg('line', { x1: col, x2: col, y1: 0, y2: rows }));
  for (let row = 1; row < rows; ++row) lines.push(svg('line', { x1: 0, x2: cols, y1: row, y2: row }));
  return svg('svg', { class: 'tiles', viewBox: `0 0 ${cols} ${rows}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...lines);
}
