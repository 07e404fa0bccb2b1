// A picture for those who have none at hand: drawn here, so that the page holds none.
import { t } from '../shared/i18n.js';
import { canvasBlob } from './image_file.js';

const side = 448;

/** {file, question, task}: some shapes, and what to look for. */
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
  fill('#f2f2f2', () => pen.rect(0, 0, side, side));
  fill('#2850d7', () => pen.rect(52, 236, 132, 132));
  fill('#d62424', () => pen.arc(312, 128, 72, 0, 2 * Math.PI));
  fill('#28a03c', () => {
    pen.moveTo(318, 262);
    pen.lineTo(394, 392);
    pen.lineTo(242, 392);
  });
  const file = new File([await canvasBlob(canvas)], 'shapes.png', { type: 'image/png' });
  return { file, question: t('sample.question'), task: 'locate' };
}
