// A picture with its boxes drawn over it, and their list.
import { copyFrom, el, icon, iconButton, svg } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { coloursOf, coordinatesJson, coordinatesText, rectangleOf } from './grounding.js';
import { isShowable, pictureUrl } from './image_file.js';

const mostListed = 200;

/** The picture of a message; one too large to decode here is told by its size. */
export function pictureNode(picture) {
  if (!isShowable(picture)) {
    return el('div', { class: 'unshown', textContent: t('picture.unshown', { name: picture.name, width: picture.width, height: picture.height }) });
  }
  return el('img', { src: pictureUrl(picture), alt: picture.name, width: picture.width, height: picture.height, decoding: 'async' });
}

/** Shows boxes; those of one label light up together, from whichever of rectangle, list and text they are pointed at. */
export class PictureView {
  #boxes = [];
  #colours = new Map();
  #overlay;
  #tag = el('div', { class: 'box-tag', hidden: true });
  #list = el('ol', { class: 'box-list' });
  #copyAll;
  #size;

  /** `size`: the picture's sides as the server counts them. */
  constructor(picture, size = picture) {
    this.#size = size;
    this.#overlay = svg('svg', { class: 'boxes', viewBox: `0 0 ${size.width} ${size.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.#copyAll = el('button', { type: 'button', class: 'text-button', on: { click: () => this.#copy() } }, icon('copy'), t('boxes.copy_all'));
    const frame = el('div', { class: 'picture-frame' }, pictureNode(picture), this.#overlay, this.#tag);
    frame.addEventListener('pointerleave', () => this.highlight(null));
    this.node = el('figure', { class: 'grounding' }, frame, this.#list, this.#copyAll);
    this.show([]);
  }

  show(boxes) {
    this.#boxes = boxes;
    this.#colours = coloursOf(boxes);
    this.#overlay.replaceChildren(...boxes.flatMap((box, index) => this.#rectangle(box, index)));
    this.#list.replaceChildren(...boxes.slice(0, mostListed).map((box, index) => this.#item(box, index)));
    this.#copyAll.hidden = !boxes.some(({ valid }) => valid);
    this.highlight(null);
  }

  /** The colour of a label's boxes, null where it has none. */
  colourOf(label) {
    return this.#colours.get(label ?? '') ?? null;
  }

  /** Lights up one box, by its index, or all of a label; null: none is more than others. */
  highlight(target) {
    const isLit = (index) => target === null || target === index || target === (this.#boxes[index].label ?? '');
    for (const node of [...this.#overlay.children, ...this.#list.children]) {
      const lit = isLit(Number(node.dataset.index));
      node.classList.toggle('dim', !lit);
      node.classList.toggle('lit', lit && target !== null);
    }
    this.#showTag(typeof target === 'number' ? this.#boxes[target] : null);
  }

  #rectangle(box, index) {
    const rectangle = rectangleOf(box);
    if (!rectangle) return [];
    const place = { x: rectangle.left, y: rectangle.top, width: rectangle.width, height: rectangle.height };
    const point = () => this.highlight(index);
    const group = svg('g', { class: `box colour-${this.colourOf(box.label)}`, on: { pointerenter: point, pointerdown: point } },
      svg('rect', { class: 'halo', ...place }), svg('rect', { class: 'edge', ...place }));
    group.dataset.index = index;
    return [group];
  }

  #item(box, index) {
    const name = el('span', { class: 'box-label', textContent: box.label ?? t('boxes.unnamed') });
    if (!box.valid) {
      return el('li', { class: 'invalid', data: { index } }, name, el('span', { class: 'note', textContent: t('boxes.invalid', { error: box.error ?? '' }) }));
    }
    const text = coordinatesText(box);
    const copy = iconButton('copy', t('boxes.copy', { label: box.label ?? '' }), () => copyFrom(copy, text, t('copied')));
    const point = () => this.highlight(index);
    const leave = () => this.highlight(null);
    return el('li', { class: `colour-${this.colourOf(box.label)}`, data: { index }, on: { pointerenter: point, pointerleave: leave, focusin: point, focusout: leave } },
      el('span', { class: 'swatch', 'aria-hidden': 'true' }), name, el('code', { textContent: text }), copy);
  }

  #showTag(box) {
    const rectangle = box ? rectangleOf(box) : null;
    this.#tag.hidden = !rectangle;
    if (!rectangle) return;
    const isLow = rectangle.top / this.#size.height > 0.12;
    this.#tag.textContent = box.label ?? coordinatesText(box);
    this.#tag.className = `box-tag colour-${this.colourOf(box.label)}${isLow ? ' above' : ''}`;
    this.#tag.style.left = `${(100 * rectangle.left) / this.#size.width}%`;
    this.#tag.style.top = `${(100 * rectangle.top) / this.#size.height}%`;
  }

  #copy() {
    copyFrom(this.#copyAll, coordinatesJson(this.#boxes), t('copied'));
  }
}
