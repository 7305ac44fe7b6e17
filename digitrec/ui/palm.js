// A hand that rests on a canvas. The canvas follows the first touch only: where a palm came first, the pen drew a dot.
// So wide touches, and fingers once a pen was used, never reach it. Installed once; it does nothing elsewhere.
const WIDEST = 24; // radius of a touch in CSS pixels; fingertips measure 5 to 20, palms 30 and more
const palms = new Set();
let pens = false;

const isPen = (touch) => touch.touchType === "stylus";

function isPalm(touch) {
  if (isPen(touch)) return false;
  return Math.max(touch.radiusX || 0, touch.radiusY || 0) > WIDEST || pens;
}

function filter(event) {
  if (!event.isTrusted || !event.composedPath().some((node) => node.classList?.contains("st-key-canvas"))) return;
  const changed = [...event.changedTouches];
  if (event.type === "touchstart") {
    for (const touch of changed) if (isPalm(touch)) palms.add(touch.identifier);
  }
  const kept = (touches) => [...touches].filter((touch) => !palms.has(touch.identifier));
  const rest = kept(changed);
  const [touches, targetTouches] = [kept(event.touches), kept(event.targetTouches)];
  const all = touches.length === event.touches.length && rest.length === changed.length;
  if (event.type === "touchend" || event.type === "touchcancel") {
    for (const touch of changed) palms.delete(touch.identifier);
  }
  if (all) return;
  event.stopImmediatePropagation();
  if (event.cancelable) event.preventDefault(); // the page does not scroll under the hand
  if (!rest.length) return;
  const { bubbles, cancelable, composed } = event;
  const options = { bubbles, cancelable, composed, touches, targetTouches, changedTouches: rest };
  event.composedPath()[0].dispatchEvent(new TouchEvent(event.type, options));
}

export default function () {
  if (window.digitrecPalm) return;
  window.digitrecPalm = true;
  addEventListener("pointerdown", (event) => (pens ||= event.pointerType === "pen"), true);
  for (const type of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    addEventListener(type, filter, { capture: true, passive: false });
  }
}
