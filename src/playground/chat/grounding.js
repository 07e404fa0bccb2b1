// Boxes of answers, as data.

const lastPosition = 999;
const numColours = 8;

/** {left, top, width, height} of a box in pixels of its picture, or null where it has none or only a part of one. */
export function rectangleOf({ box_px: px, valid }) {
  if (!valid || !px) return null;
  const [left, top, right, bottom] = px;
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * The boxes that an unfinished answer holds so far, in the form of the API's `grounding`; what has no form yet is left out.
 * `picture`: {width, height, index}.
 */
export function boxesSoFar(text, picture) {
  const boxes = [];
  let label = null;
  for (const [, name, list] of text.matchAll(/<\|ref\|>(.*?)<\|\/ref\|>|<\|det\|>([^<]*)/gs)) {
    if (name !== undefined) label = name;
    else boxes.push(...boxesOfList(list, label, picture));
  }
  return boxes;
}

function boxesOfList(list, label, picture) {
  return [...list.matchAll(/\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]/g)].map(([, ...sides]) => {
    const norm = sides.map(Number);
    const valid = norm.every((side) => side <= lastPosition) && norm[0] <= norm[2] && norm[1] <= norm[3];
    const px = norm.map((side, i) => Math.trunc((side / lastPosition) * (i % 2 === 0 ? picture.width : picture.height)));
    return { label, image_index: picture.index, box_norm: norm, box_px: px, valid };
  });
}

/** Gives each label a colour: a map from labels to 0 to 7, in the order in which they come. */
export function coloursOf(boxes) {
  const colours = new Map();
  for (const { label } of boxes) {
    if (!colours.has(label ?? '')) colours.set(label ?? '', colours.size % numColours);
  }
  return colours;
}

/** A box's pixels as people paste them. */
export const coordinatesText = ({ box_px: px }) => `[${px.join(', ')}]`;

/** All boxes of an answer, as JSON. */
export function coordinatesJson(boxes) {
  const lines = boxes.filter(({ valid }) => valid).map(({ label, box_px, box_norm }) => JSON.stringify({ label, box_px, box_norm }));
  return `[${lines.length ? `\n  ${lines.join(',\n  ')}\n` : ''}]`;
}
