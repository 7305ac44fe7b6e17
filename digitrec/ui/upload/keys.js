// Digit keys on Upload. Streamlit's own shortcuts press a button each: of two presses that come while the page runs
// only one arrives, in no order. Here each key has a number and all that the server has not applied are sent together.
// A table sends what the server told it to select back in its own time. So touches are counted too: after a key,
// the server takes a selection for somebody's choice only if there was a touch since.
const kept = (window.digitrecKeys ??= {
  count: 0, waiting: [], touches: 0, keyed: false, walking: false, moved: true,
  aim: { move: 0, until: 0 },
});

const ARROWS = { ArrowDown: "down", ArrowUp: "up", ArrowRight: "down", ArrowLeft: "up" };
const LETTERS = { x: "x", n: "n", u: "u" };
const TYPES = ["checkbox", "radio", "button", "submit", "reset", "file", "range", "color", "image"];

function takesText(element) {
  if (element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName)) return true;
  return element.tagName === "INPUT" && !TYPES.includes(element.type);
}

function meaning(event, focused) {
  if (/^[0-9]$/.test(event.key)) return event.key;
  const letter = LETTERS[event.key.toLowerCase()];
  if (letter && !event.shiftKey) return letter;
  const arrow = ARROWS[event.key];
  if (!arrow || event.shiftKey) return null;
  if (focused.closest('[class*="st-key-table_"]')) return event.key === "ArrowDown" || event.key === "ArrowUp" ? arrow : null;
  const free = focused === document.body || focused.closest(".st-key-review_keys");
  return free && kept.walking ? arrow : null; // otherwise they scroll the page
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  kept.stop?.(); // called anew for each change of the data, without a clean-up in between
  kept.waiting = kept.waiting.filter(([number]) => number > data.applied);
  kept.count = Math.max(kept.count, data.applied);
  const send = () => data.ready && setStateValue("sent", { touches: kept.touches, keys: kept.waiting.slice() });
  if (kept.waiting.length) send(); // typed while the pictures were being read
  parentElement.querySelector(".how").hidden = !data.ready;
  for (const text of document.querySelectorAll('[class*="st-key-text_"] [data-testid="stText"]')) {
    text.tabIndex = 0; // long text scrolls, by keys too
  }
  const says = parentElement.querySelector(".says");
  if (says.textContent !== data.says) says.textContent = data.says;

  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const focused = event.composedPath()[0];
    if (!(focused instanceof Element) || takesText(focused) || document.querySelector('[role="dialog"]')) return;
    const key = meaning(event, focused);
    if (!key || !document.querySelector('[class*="st-key-reading_"]')) return;
    event.preventDefault();
    event.stopPropagation();
    kept.walking = true;
    const card = kept.moved && focused.closest('[class*="st-key-reading_"]');
    const number = card ? Number(/st-key-reading_(\d+)/.exec(card.className)[1]) : null;
    kept.moved = false; // once keys have gone on to another card, the focus says nothing
    kept.waiting.push([++kept.count, key, number]);
    kept.keyed = true;
    send();
  };
  const left = (event) => {
    if (event.key !== undefined && !["Escape", "Tab", "Enter", " "].includes(event.key)) return;
    kept.walking = false;
    kept.touches += 1;
    if (kept.keyed) send();
    kept.keyed = false;
  };
  const moved = () => (kept.moved = true);
  document.addEventListener("focusin", moved, true);
  document.addEventListener("pointerdown", moved, true);
  document.addEventListener("keydown", left, true);
  document.addEventListener("pointerdown", left, true);
  document.addEventListener("keydown", pressed, true);

  let frame = 0;
  if (data.moves !== kept.aim.move) {
    kept.aim = { move: data.moves, until: performance.now() + 60000 }; // a busy server takes its time
  }
  const aim = kept.aim; // this component may be called anew before the card is there
  const show = () => {
    if (performance.now() > aim.until) return;
    const card = document.querySelector(`.st-key-reading_${data.card}`);
    const ready = card?.querySelector('.picture.big, [class*="st-key-answers_"]');
    if (ready) {
      card.scrollIntoView({ block: "start" });
    }
    // what other cards showed before goes away at the end of the run, and moves this one
    if (ready && document.querySelector('[data-test-script-state="notRunning"]')) aim.until = 0;
    else frame = requestAnimationFrame(show);
  };
  show();
  const scrolls = () => (aim.until = 0); // from now on the person scrolls alone
  document.addEventListener("wheel", scrolls, { capture: true, passive: true });
  document.addEventListener("touchmove", scrolls, { capture: true, passive: true });
  const stop = () => {
    cancelAnimationFrame(frame);
    document.removeEventListener("wheel", scrolls, true);
    document.removeEventListener("touchmove", scrolls, true);
    document.removeEventListener("focusin", moved, true);
    document.removeEventListener("pointerdown", moved, true);
    document.removeEventListener("keydown", left, true);
    document.removeEventListener("pointerdown", left, true);
    document.removeEventListener("keydown", pressed, true);
  };
  kept.stop = stop;
  return stop;
}
