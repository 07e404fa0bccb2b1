// A picture from the camera.
import { announce, byId } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { canvasBlob } from './image_file.js';

/**
 * Makes the camera's button work: browsers that show a page the camera's picture get a dialog with a shutter; others, as on
 * addresses without TLS, the system's own camera or file chooser. `onFile(file)` gets each picture.
 */
export function setUpCamera(onFile) {
  const dialog = byId('camera-dialog');
  const video = byId('camera-view');
  let stream = null;

  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
  };
  const open = async () => {
    if (!navigator.mediaDevices?.getUserMedia) return byId('camera-input').click();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } });
    } catch {
      return byId('camera-input').click(); // there is none, or it may not be used
    }
    video.srcObject = stream;
    dialog.showModal();
  };
  const shoot = async () => {
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    if (canvas.width === 0) return;
    canvas.getContext('2d').drawImage(video, 0, 0);
    const blob = await canvasBlob(canvas, 'image/jpeg', 0.92);
    dialog.close();
    onFile(new File([blob], 'camera.jpg', { type: blob.type }));
    announce(t('camera.taken'));
  };

  byId('camera-button').addEventListener('click', open);
  byId('camera-shutter').addEventListener('click', shoot);
  dialog.addEventListener('close', stop);
  byId('camera-input').addEventListener('change', (event) => {
    [...event.target.files].forEach(onFile);
    event.target.value = '';
  });
}
