// A picture for those who have none at hand: drawn here, so that the page holds none.
import { canvasBlob } from './image_file.js';

const side = 448;

/** {file, task}: some shapes, and what to do with them. */
export async function drawSample() {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const pen = canvas.getContext('2d');
  const fill = (colour, draw) => {
    pen.fillStyle = colour;
    pen.beginPath();
    draw();
    pen.fill();
  };
  fill('#eef1f6', () => pen.rect(0, 0, side, side));
  fill('#d62424', () => pen.arc(125, 215, 80, 0, 2 * Math.PI));
  fill('#2850d7', () => pen.rect(255, 150, 145, 145));
  const file = new File([await canvasBlob(canvas)], 'shapes.png', { type: 'image/png' });
  return { file, task: 'grounded_caption' };
}
